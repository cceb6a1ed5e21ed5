//! What a sender fetches before it sends: from origins, and from web servers that are nodes' own commands.

use e2e::sandbox::{Who, stdout};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::models::{files, lab, report};
use crate::stage::{Play, Stage};

pub(crate) const TRIALS: &[Play] = &[
    ("downloads_are_compared", downloads_are_compared),
    ("downloads_that_fail_are_told", downloads_that_fail_are_told),
    ("an_own_server_is_waited_for", an_own_server_is_waited_for),
    (
        "names_are_found_without_modules",
        names_are_found_without_modules,
    ),
    (
        "an_own_server_that_ends_is_told",
        an_own_server_that_ends_is_told,
    ),
];

/// A web server that speaks TLS, after a while.
const WEB: &str = r#"
import http.server, ssl, time

class Lake(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"lake")

time.sleep(1)
server = http.server.HTTPServer(("", 8443), Lake)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/root/web.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"#;

fn an_own_server_is_waited_for(who: Who) {
    download_from_an_own_server(who, "");
}

/// The server's name is in the hosts file, in which the node's C library would not look.
fn names_are_found_without_modules(who: Who) {
    download_from_an_own_server(who, ", \"nsswitch.conf:/etc/nsswitch.conf\"");
}

/// Runs a lab in which `a`, which has `more` files, downloads from `c` what it then sends to `b`.
fn download_from_an_own_server(who: Who, more: &str) {
    let scenario = "kind = \"broadcast\"\nfrom = \"a\"\nto = [\"b\"]\n\
                    matrix.model = [\"multi-thread\", \"multi-process\"]\n\
                    [[scenario.download]]\nkey = \"lake\"\nurl = \"https://c:8443/lake\"\n";
    let files_of_a = format!(
        "files = [\"authority.pem:/root/authority.pem\"{more}]\n\
         env.SSL_CERT_FILE = \"/root/authority.pem\"\n[node.b]"
    );
    let text = lab(scenario).replace("[node.b]", &files_of_a).replace(
        "[[scenario]]",
        "files = [\"web.py:/root/web.py\", \"web.pem:/root/web.pem\"]\n\
         command = [\"python3\", \"/root/web.py\"]\n[[scenario]]",
    );
    let stage = Stage::with_lab(who, &text);
    let (authority, server) = certificates("c");
    stage.sandbox.write("authority.pem", authority);
    stage.sandbox.write("web.pem", server);
    stage.sandbox.write("web.py", WEB);
    stage.sandbox.write("nsswitch.conf", "hosts: dns\n");
    let shown = stage.print("run --out out");
    assert!(shown.contains("2 of 2 files equal"), "{shown}");
    let found = files(&report(&stage));
    assert_eq!(
        (found[0].0.as_str(), found[0].1.as_str()),
        ("b", "lake.jpg")
    );
    stage.is_as_before();
}

fn an_own_server_that_ends_is_told(who: Who) {
    let scenario = "kind = \"broadcast\"\nfrom = \"a\"\nto = [\"b\"]\ntimeout = \"1h\"\n\
                    [[scenario.download]]\nkey = \"lake\"\nurl = \"http://10.0.0.3/lake\"\n";
    let text = lab(scenario).replace(
        "[[scenario]]",
        "command = [\"sh\", \"-c\", \"exit 3\"]\n[[scenario]]",
    );
    let stage = Stage::with_lab(who, &text);
    let shown = stdout(&stage.run("run --out out").ends_with(1));
    let told = "http://10.0.0.3/lake cannot be fetched: the node's command failed: exit code 3";
    assert!(shown.contains(told), "{shown}");
    stage.is_as_before();
}

/// Of somebody who signs certificates, and of a server of that name with its key, in PEM.
fn certificates(name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    let signed = params.signed_by(&key, &issuer).unwrap();
    (authority, signed.pem() + &key.serialize_pem())
}

fn downloads_are_compared(who: Who) {
    let scenario = "kind = \"broadcast\"\nfrom = \"a\"\nto = [\"b\"]\nframing = \"datagram\"\n\
                    matrix.model = [\"multi-thread\", \"multi-process\"]\n\
                    [[scenario.download]]\nkey = \"lake\"\nfrom = \"c\"\nfile = \"x.JPEG\"\n\
                    [[scenario.download]]\nkey = \"rock\"\nfrom = \"c\"\nfile = \"y.zip\"\n";
    let stage = Stage::with_lab(who, &lab(scenario));
    stage.sandbox.write("x.JPEG", "lake");
    stage.sandbox.write("y.zip", vec![3; 40_000]);
    let shown = stage.print("run --out out");
    assert!(shown.contains("8 of 8 files equal"), "{shown}");
    let names: Vec<_> = files(&report(&stage))
        .into_iter()
        .map(|line| (line.0, line.1))
        .collect();
    let expected = [
        ("a", "lake.jpg"),
        ("a", "rock.zip"),
        ("b", "lake.jpg"),
        ("b", "rock.zip"),
    ];
    assert_eq!(
        names,
        expected.map(|(node, name)| (node.to_owned(), name.to_owned()))
    );
    stage.is_as_before();
}

fn downloads_that_fail_are_told(who: Who) {
    let scenario = "kind = \"broadcast\"\nfrom = \"a\"\nto = [\"b\"]\n\
                    [[scenario.download]]\nkey = \"lake\"\nfrom = \"c\"\nfile = \"x.jpg\"\n\
                    [[scenario.download]]\nkey = \"gone\"\nurl = \"http://c/gone\"\n";
    let stage = Stage::with_lab(who, &lab(scenario));
    stage.sandbox.write("x.jpg", "lake");
    let shown = stdout(&stage.run("run --out out").ends_with(1));
    let told = "the download failed: gone: http://c/gone answers 404";
    assert!(shown.contains(told), "{shown}");
    // The one that came is compared all the same.
    let found = files(&report(&stage));
    assert_eq!(
        (found.len(), found[0].1.as_str(), found[0].2.as_str()),
        (1, "lake.jpg", "equal")
    );
    stage.is_as_before();
}
