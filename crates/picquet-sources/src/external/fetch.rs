//! Reads a place over http(s).

use std::io::Read;
use std::time::Duration;

use url::Url;

use super::{MOST_BYTES, not_allowed};

const TIMEOUT: Duration = Duration::from_secs(60);
const MOST_REDIRECTS: usize = 5;

/// The content of a URL. Every URL that it is redirected to must be allowed too.
pub(super) fn fetch(url: Url, allows: &dyn Fn(&Url) -> bool) -> Result<Vec<u8>, String> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(concat!("picquet/", env!("CARGO_PKG_VERSION")))
        .build();
    let agent = ureq::Agent::new_with_config(config);
    let mut url = url;
    for _ in 0..=MOST_REDIRECTS {
        if !allows(&url) {
            let mut place = url.clone();
            place.set_query(None);
            return Err(not_allowed(place.as_str()));
        }
        let mut response = agent.get(url.as_str()).call().map_err(|error| format!("cannot be read: {error}"))?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get("location").and_then(|to| to.to_str().ok());
            let to = to.and_then(|to| url.join(to).ok());
            url = to.ok_or_else(|| format!("answers {status} without saying where to go"))?;
            continue;
        }
        if !status.is_success() {
            return Err(format!("answers {status}"));
        }
        return limited(response.body_mut().as_reader());
    }
    Err(format!("redirects more than {MOST_REDIRECTS} times"))
}

/// All bytes, unless they are too many.
pub(super) fn limited(reader: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = reader.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|e| format!("cannot be read: {e}"))?;
    if read as u64 > MOST_BYTES {
        return Err(format!("holds more than {} MiB; ingest it as a table instead", MOST_BYTES >> 20));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::net::TcpListener;

    /// A server on loopback that answers so many requests: `/there` with text, anything else with a redirect to it.
    fn serve(requests: usize) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().take(requests) {
                let mut stream = stream.unwrap();
                let mut head = [0; 1024];
                let read = stream.read(&mut head).unwrap();
                let answer = match head[..read].starts_with(b"GET /there ") {
                    true => "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n1,2",
                    false => "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                };
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        port
    }

    #[test]
    fn redirects_go_where_it_is_allowed() {
        let port = serve(3);
        let url = |path: &str| Url::parse(&format!("http://127.0.0.1:{port}{path}")).unwrap();
        assert_eq!(fetch(url("/here"), &|_| true).unwrap(), b"1,2");
        let error = fetch(url("/here"), &|url| url.path() == "/here").unwrap_err();
        assert!(error.starts_with("not allowed: allow it with --allow-external http://127.0.0.1"), "{error}");
    }
}
