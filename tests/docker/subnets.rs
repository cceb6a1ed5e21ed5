//! Labs with the same subnet as another lab, or as the host.

use std::fs;

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};

use crate::site::Site;

/// Two labs from the same file but for the name, both up, both broadcasting.
pub(crate) fn two_labs_with_one_subnet_are_up_side_by_side() {
    let site = Site::new();
    site.sandbox.copy_project("topologies");
    for name in NAMES {
        write_lab(&site, name);
        site.sandbox
            .run(["deploy", &format!("topologies/{name}.toml")])
            .succeeds();
    }
    let both = NAMES.map(|name| site.engine.traces(name));
    assert!(both[0].networks.is_disjoint(&both[1].networks));

    let ambiguous = site.complains(&["exec", "alpine-1", "--", "/.orchestrator/node"], 2);
    assert!(ambiguous.contains("write LAB/NODE"), "{ambiguous}");
    site.says(&[
        "exec",
        "e2e-left/alpine-1",
        "--",
        "/.orchestrator/node",
        "--version",
    ]);
    std::thread::scope(|scope| {
        for name in NAMES {
            let site = &site;
            scope.spawn(move || passes(site, &["run", "--lab", name, "--out", name]));
        }
    });
    for (name, traces) in NAMES.iter().zip(&both) {
        site.sandbox.run(["down", name]).succeeds();
        site.engine.assert_gone(traces);
    }
    for name in NAMES {
        site.assert_nothing_of(name);
    }
}

/// Two `run`s of one file at the same time, which is one name twice.
pub(crate) fn one_file_is_run_twice_at_once() {
    let site = Site::new();
    site.sandbox.copy_project("topologies");
    write_lab(&site, "e2e-twice");
    std::thread::scope(|scope| {
        for out in ["one", "other"] {
            let site = &site;
            scope.spawn(move || passes(site, &["run", "topologies/e2e-twice.toml", "--out", out]));
        }
    });
    site.assert_nothing_of("e2e-twice");
}

/// A network of Docker's has the lab's subnet, and the host an address in it, as libvirt and GNS3 would give it.
pub(crate) fn a_lab_whose_subnet_the_host_uses_passes() {
    let site = Site::new();
    // No other of these programs has the same.
    let prefix = format!("10.231.{}", std::process::id() % 256);
    let subnet = IpamConfig {
        subnet: Some(format!("{prefix}.0/24")),
        ..IpamConfig::default()
    };
    let taken = site.engine.make_network(NetworkCreateRequest {
        name: format!("e2e-host-lan-{}", std::process::id()),
        ipam: Some(Ipam {
            config: Some(vec![subnet]),
            ..Ipam::default()
        }),
        ..NetworkCreateRequest::default()
    });
    let routes = host_routes(&prefix);
    site.sandbox.copy_project("topologies");
    write_lab(&site, "e2e-taken");
    let file = site.sandbox.path("work/topologies/e2e-taken.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("192.168.122", &prefix)).unwrap();
    passes(&site, &["run", "topologies/e2e-taken.toml"]);
    assert_eq!(host_routes(&prefix), routes, "routes of the host");
    site.assert_nothing_of("e2e-taken");
    taken.assert_untouched();
}

fn passes(site: &Site, words: &[&str]) {
    let said = site.says(words);
    assert!(said.contains("passed     20 of 20 files equal"), "{said}");
}

/// The first lab under another name.
fn write_lab(site: &Site, name: &str) {
    let file = site.sandbox.path("work/topologies/two-servers.toml");
    let text = fs::read_to_string(file).unwrap();
    let text = text.replace("name = \"two-servers\"", &format!("name = \"{name}\""));
    site.sandbox.write(&format!("topologies/{name}.toml"), text);
}

/// Routes of the host, but for those to networks that others of these programs have made.
fn host_routes(own: &str) -> Vec<String> {
    let text = fs::read_to_string("/proc/net/route").unwrap();
    let own: std::net::Ipv4Addr = format!("{own}.0").parse().unwrap();
    let hex = |address: u32| format!("{:08X}", address.swap_bytes());
    let (own, all) = (hex(own.to_bits()), hex(own.to_bits() & !0xff00));
    let is_others = |line: &&str| {
        let target = line.split('\t').nth(1).unwrap_or_default();
        target.ends_with(&all[4..]) && target != own
    };
    let lines = text.lines().filter(|line| !is_others(line));
    lines.map(str::to_owned).collect()
}

const NAMES: [&str; 2] = ["e2e-left", "e2e-right"];
