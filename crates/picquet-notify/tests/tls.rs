//! Webhooks and e-mail over TLS, against servers on loopback with certificates made for the test.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use picquet_notify::{Output, SendError};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use support::smtp::Session;
use support::{alert, answer, now, output, request};

type Tls = StreamOwned<ServerConnection, TcpStream>;

/// A server's settings with a certificate for `localhost`; that of its authority is written to the file.
fn server_config(ca_file: &Path) -> Arc<ServerConfig> {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(ca_file, ca.self_signed(&ca_key).unwrap().pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()));
    Arc::new(config.unwrap())
}

/// Runs a conversation with one client.
fn serve<T: Send + 'static>(talk: impl FnOnce(TcpStream) -> T + Send + 'static) -> (u16, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (port, std::thread::spawn(move || talk(listener.accept().unwrap().0)))
}

fn tls(config: Arc<ServerConfig>, stream: TcpStream) -> Tls {
    StreamOwned::new(ServerConnection::new(config).unwrap(), stream)
}

fn send(output: &Output) -> Result<(), SendError> {
    output.send(&alert("m-1"), now())
}

#[test]
fn webhooks_trust_the_ca_file() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let config = server_config(&ca);
    let (port, server) = serve(move |stream| {
        let mut stream = tls(config, stream);
        let request = request(&mut stream);
        stream.write_all(answer("200 OK", "").as_bytes()).unwrap();
        request
    });
    let settings = format!("kind = \"webhook\"\nurl = \"https://localhost:{port}/hook\"\nca_file = '{}'", ca.display());
    send(&output(&settings)).unwrap();
    assert_eq!(server.join().unwrap().header("webhook-id"), Some("m-1"));
}

#[test]
fn webhooks_refuse_what_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let config = server_config(&folder.path().join("ca.pem"));
    let (port, server) = serve(move |stream| tls(config, stream).write_all(b"x").is_err());
    let error = send(&output(&format!("kind = \"webhook\"\nurl = \"https://localhost:{port}/\""))).unwrap_err();
    assert!(error.retry && error.message.contains("certificate"), "{error:?}");
    assert!(server.join().unwrap());
}

fn mail(port: u16, kind: &str, ca: &Path) -> Output {
    let common =
        "kind = \"smtp\"\nhost = \"localhost\"\nfrom = \"a@b.example\"\nto = \"c@d.example\"\nhello = \"here\"";
    output(&format!("{common}\ntls = \"{kind}\"\nport = {port}\nca_file = '{}'", ca.display()))
}

#[test]
fn mail_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let config = server_config(&ca);
    let (port, server) = serve(move |stream| {
        let mut session = Session::default();
        session.serve("220 mail.test ESMTP", &mut BufReader::new(tls(config, stream)), "", "");
        session
    });
    send(&mail(port, "tls", &ca)).unwrap();
    assert!(server.join().unwrap().mail.contains("Message-ID: <m-1@b.example>"));
}

#[test]
fn mail_over_starttls() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let config = server_config(&ca);
    let (port, server) = serve(move |stream| {
        let mut session = Session::default();
        let mut stream = BufReader::new(stream);
        session.serve("220 mail.test ESMTP", &mut stream, "STARTTLS", "220 go on");
        assert_eq!(session.commands, ["EHLO here", "STARTTLS"]);
        session.serve("", &mut BufReader::new(tls(config, stream.into_inner())), "", "");
        session
    });
    send(&mail(port, "starttls", &ca)).unwrap();
    assert!(server.join().unwrap().mail.contains("Message-ID: <m-1@b.example>"));
}
