mod commands { pub mod batch; }
struct Nothing;
impl kql_engine::Database for Nothing {
    fn table(&self, _: &str) -> Option<kql_engine::Table> { None }
    fn table_names(&self) -> Vec<String> { vec![] }
}
fn main() {
    let rt = tokio::runtime::Builder::new_multi_thread().thread_stack_size(64<<20).enable_all().build().unwrap();
    std::thread::Builder::new().stack_size(512<<20).spawn(move || rt.block_on(async {
        let e = kql_engine::Engine::new(&Default::default()).unwrap();
        let now = 638_000_000_000_000_000;
        let o = kql_engine::QueryOptions{now, ..Default::default()};
        let input = std::io::BufReader::new(std::io::stdin());
        commands::batch::run(input, &mut std::io::stdout(), &e, &Nothing, &o).await.unwrap();
    })).unwrap().join().unwrap();
}
