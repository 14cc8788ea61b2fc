//! Speed of checking rules: `cargo bench -p picquet-lint`. The corpus is looked for beside the checkout, or where
//! `PICQUET_SHARED` says.
#![allow(missing_docs)]

#[path = "../tests/support/mod.rs"]
mod support;

use divan::Bencher;
use picquet_lint::Linter;
use picquet_rules::load_text;

/// The allocator of the `picquet` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // Binding recurses with the query.
    let bench = std::thread::Builder::new().stack_size(256 << 20).spawn(divan::main);
    if let Ok(bench) = bench {
        let _ = bench.join();
    }
}

/// Reading and checking every rule of the corpus with all sets, on one core.
#[divan::bench(sample_count = 5, sample_size = 1, threads = 1)]
fn check_the_corpus(bencher: Bencher<'_, '_>) {
    let (Some(catalog), Some(folder)) = (support::corpus_catalog(), support::corpus("rules")) else { return };
    let files = support::files(&folder);
    let linter = Linter::new(support::options(&catalog));
    bencher.bench_local(|| {
        for (source, loaded) in &files {
            let loaded = load_text(&loaded.file, &source.text);
            divan::black_box(linter.rules(source, &loaded, None));
        }
    });
}
