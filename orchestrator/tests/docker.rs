//! Labs on a real engine: what the backend makes, what passes through it, and what it leaves alone.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod docker_lab;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use bollard::models::{ContainerCreateBody, NetworkCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, RemoveImageOptions,
};
use docker_lab::{
    Parts, Recorded, TestLab, backend, column, engine, lan, node, nothing_left, plan, segment,
    with_hosts,
};
use futures_util::TryStreamExt;
use orchestrator::backend::{Backend, BackendErrorKind, Ledger, Resource};
use protocol::control::{Command, Exit, Program};
use protocol::settings::Route;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn nodes_have_the_names_addresses_and_hosts_of_the_file() {
    let nodes = lan(&["alpine-1", "alpine-2", "alpine-3"]);
    TestLab::with("names", nodes, async |lab| {
        let hosts = lab.read("alpine-2", "/etc/hosts").await;
        for line in [
            "10.77.0.1\talpine-1",
            "10.77.0.3\talpine-3",
            "fd77::2\talpine-2",
        ] {
            assert!(hosts.lines().any(|l| l == line), "{hosts}");
        }
        let name = lab.read("alpine-2", "/proc/sys/kernel/hostname").await;
        assert_eq!(name, "alpine-2\n");
        let routes = lab.read("alpine-2", "/proc/net/route").await;
        let destinations = column(&routes, 1);
        assert!(destinations.contains(&"FFFFFFFF"), "{routes}");
        assert!(!destinations.contains(&"00000000"), "a default: {routes}");
        // The link-local address is made from the MAC, 02:00:00:00:00:02 (RFC 4291, appendix A).
        let addresses = lab.read("alpine-2", "/proc/net/if_inet6").await;
        for address in [
            "fd770000000000000000000000000002",
            "fe80000000000000000000fffe000002",
        ] {
            assert!(addresses.contains(address), "{addresses}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn two_labs_with_one_subnet_broadcast_side_by_side() {
    let one = TestLab::raise("left", lan(&["a", "b"])).await;
    TestLab::with("right", lan(&["a", "b"]), async |other| {
        tokio::join!(
            one.transfer("a", "b", "255.255.255.255"),
            other.transfer("b", "a", "10.77.0.255"),
        );
    })
    .await;
    one.destroy().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn a_subnet_that_the_host_uses_is_no_hindrance() {
    let before = host_routes();
    // Docker's own bridge has 172.17.0.0/16 on most hosts.
    let nodes = vec![
        node("a", &[("eth0", 1, &["172.17.0.1/16"])]),
        node("b", &[("eth0", 2, &["172.17.0.2/16"])]),
    ];
    let parts = (vec![segment("lan", &[("a", "eth0"), ("b", "eth0")])], nodes);
    TestLab::with("taken", parts, async |lab| {
        lab.transfer("a", "b", "255.255.255.255").await;
        let added: Vec<_> = host_routes().difference(&before).cloned().collect();
        let into_lab = |to: &&String| to.ends_with("11AC") || to.ends_with("12C6");
        assert_eq!(added.iter().find(into_lab), None, "the host is in the lab");
    })
    .await;
}

/// Destinations of this host's routes, in little-endian hexadecimal.
fn host_routes() -> BTreeSet<String> {
    let table = fs::read_to_string("/proc/net/route").unwrap();
    column(&table, 1).into_iter().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn interfaces_follow_the_file_and_a_forwarding_node_routes() {
    TestLab::with("router", two_networks(), async |lab| {
        let routes = lab.read("r", "/proc/net/route").await;
        let found: Vec<_> = column(&routes, 0)
            .into_iter()
            .zip(column(&routes, 1))
            .collect();
        // Destinations are little-endian. The engine orders interfaces by its networks' names.
        assert!(found.contains(&("eth0", "00014E0A")), "{routes}");
        assert!(found.contains(&("eth1", "00024E0A")), "{routes}");
        lab.transfer("a", "b", "10.78.2.2").await;
    })
    .await;
}

/// `a` on `zz`, `b` on `aa`, and `r`, which routes between them: its eth0 on `zz`.
fn two_networks() -> Parts {
    let mut nodes = vec![
        node("a", &[("eth0", 1, &["10.78.1.2/24"])]),
        node("b", &[("eth0", 2, &["10.78.2.2/24"])]),
        node(
            "r",
            &[
                ("eth0", 3, &["10.78.1.1/24"]),
                ("eth1", 4, &["10.78.2.1/24"]),
            ],
        ),
    ];
    for (node, to, via) in [
        (0, "10.78.2.0/24", "10.78.1.1"),
        (1, "10.78.1.0/24", "10.78.2.1"),
    ] {
        nodes[node].settings.routes.push(Route {
            to: to.parse().unwrap(),
            via: via.parse().unwrap(),
        });
    }
    nodes[2].settings.forward = true;
    let segments = vec![
        segment("zz", &[("a", "eth0"), ("r", "eth0")]),
        segment("aa", &[("b", "eth0"), ("r", "eth1")]),
    ];
    (segments, with_hosts(nodes))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn a_kept_lab_is_found_again_and_limits_hold() {
    let (segments, mut nodes) = lan(&["a"]);
    nodes[0].limits.memory = Some(64 << 20);
    nodes[0].limits.milli_cpus = Some(500);
    nodes[0].limits.pids = Some(40);
    TestLab::with("kept", (segments, nodes), async |lab| {
        let hold = lab.fabric.keep().await.unwrap();
        let fabric = backend().attach(&hold).await.unwrap();
        let name = "a".parse().unwrap();
        let stream = fabric.open(&name).await.unwrap();
        let control = orchestrator::control::Control::greet(stream, name)
            .await
            .unwrap();
        assert_eq!(control.status().await.unwrap().command, None);

        let there = engine().inspect_container(&lab.container("a"), None).await;
        let limits = there.unwrap().host_config.unwrap();
        assert_eq!(limits.memory, Some(64 << 20));
        assert_eq!(limits.nano_cpus, Some(500_000_000));
        assert!(
            limits
                .pids_limit
                .is_some_and(|pids| (40..100).contains(&pids))
        );
        assert_eq!(limits.privileged, Some(false));
    })
    .await;
}

/// Read on the engine's machine, which has to be this one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn the_engines_machine_takes_no_part_in_a_network() {
    TestLab::with("secluded", lan(&["a", "b"]), async |lab| {
        assert_eq!(lab.fabric.warnings(), Vec::<String>::new());
        let network = format!("{}-lan", lab.plan.lab);
        let network = engine().inspect_network(&network, None).await.unwrap();
        let bridge = format!("br-{}", &network.id.unwrap()[..12]);
        for setting in [
            "ipv6/conf/BRIDGE/disable_ipv6",
            "ipv4/conf/BRIDGE/rp_filter",
        ] {
            let path = format!("/proc/sys/net/{}", setting.replace("BRIDGE", &bridge));
            assert_eq!(fs::read_to_string(&path).unwrap().trim(), "1", "{path}");
        }
        let addresses = fs::read_to_string("/proc/net/if_inet6").unwrap();
        assert!(!addresses.contains(&bridge), "{addresses}");
        lab.transfer("a", "b", "255.255.255.255").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn programs_gain_no_privileges_and_stay_under_the_engines_filter() {
    TestLab::with("privileges", lan(&["a"]), async |lab| {
        let there = engine().inspect_container(&lab.container("a"), None).await;
        let host = there.unwrap().host_config.unwrap();
        let options = host.security_opt.unwrap();
        assert_eq!(options, ["no-new-privileges:true"]);
        let status = lab.read("a", "/proc/1/status").await;
        for line in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
            assert!(status.lines().any(|found| found == line), "{status}");
        }
    })
    .await;
}

/// A rule of this machine's firewall that drops what stays on a bridge, for as long as it lives.
struct Rule<'a>(&'a str);

impl<'a> Rule<'a> {
    fn add(bridge: &'a str) -> Self {
        let rule = Self(bridge);
        assert!(rule.change("-I"), "iptables, as root");
        rule
    }

    fn change(&self, how: &str) -> bool {
        let words = ["-w", how, "DOCKER-USER", "-i", self.0, "-o", self.0];
        let mut command = std::process::Command::new("iptables");
        let changed = command.args(words).args(["-j", "DROP"]).status();
        changed.is_ok_and(|status| status.success())
    }
}

impl Drop for Rule<'_> {
    fn drop(&mut self) {
        self.change("-D");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn a_firewall_that_drops_what_nodes_send_is_named_with_its_remedy() {
    let bridged = fs::read_to_string("/proc/sys/net/bridge/bridge-nf-call-iptables");
    if bridged.is_ok_and(|setting| setting.trim() == "0") {
        eprintln!("left out: the kernel hands no bridged packets to the firewall");
        return;
    }
    TestLab::with("dropped", lan(&["a", "b"]), async |lab| {
        let passage = || lab.fabric.check_passage(&lab.plan, &lab.controls);
        passage().await.unwrap();
        let network = format!("{}-lan", lab.plan.lab);
        let network = engine().inspect_network(&network, None).await.unwrap();
        let bridge = format!("br-{}", &network.id.unwrap()[..12]);
        let rule = Rule::add(&bridge);
        let error = passage().await.unwrap_err();
        drop(rule);
        assert!(
            matches!(error.kind, BackendErrorKind::Lacking { .. }),
            "{error}"
        );
        let said = error.to_string();
        for words in ["a had no answer from b within 5 s", "DOCKER-USER"] {
            assert!(said.contains(words), "{said}");
        }
        passage().await.unwrap();
    })
    .await;
}

/// An image of somebody's own: a program, and a user and a command that would get in the way.
async fn import_image(name: &str) {
    let mut tar = tar::Builder::new(Vec::new());
    let program = docker_lab::node_binary().unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    tar.append_data(&mut header, "bin/theirs", program).unwrap();
    let changes = [
        "USER 1000",
        "CMD [\"/bin/theirs\"]",
        "ENV COLOUR=blue",
        "WORKDIR /srv",
    ];
    let options = CreateImageOptionsBuilder::default()
        .from_src("-")
        .repo(&format!("{name}:1"))
        .changes(changes.map(str::to_owned).to_vec())
        .build();
    let body = bollard::body_full(tar.into_inner().unwrap().into());
    let made = engine().create_image(Some(options), Some(body), None);
    made.try_collect::<Vec<_>>().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn a_node_with_an_image_of_its_own_runs_what_is_in_it() {
    import_image("orchestrator-test-theirs").await;
    let (segments, mut nodes) = lan(&["a", "b"]);
    nodes[0].image = Some("orchestrator-test-theirs:1".to_owned());
    nodes[0].env.insert("SIZE".to_owned(), "3".to_owned());
    TestLab::with("image", (segments, nodes), async |lab| {
        let command = Command {
            program: Program::Own(vec!["theirs".to_owned(), "--version".to_owned()]),
            env: std::collections::BTreeMap::new(),
            directory: None,
            terminal: None,
            lifetime: protocol::control::Lifetime::Connection,
        };
        let ran = lab.control("a").start(command).await.unwrap();
        let ran = ran.collect().await.unwrap();
        assert_eq!(ran.exit, Exit::Code(0));
        assert!(ran.stdout.starts_with(b"orchestrator "));
        let there = engine().inspect_container(&lab.container("a"), None).await;
        let env = there.unwrap().config.unwrap().env.unwrap();
        for variable in ["COLOUR=blue", "SIZE=3"] {
            assert!(env.iter().any(|entry| entry == variable), "{env:?}");
        }
        lab.transfer("a", "b", "255.255.255.255").await;
        lab.transfer("b", "a", "255.255.255.255").await;
    })
    .await;
    let image = "orchestrator-test-theirs:1";
    backend()
        .remove(&Resource::Image(image.to_owned()))
        .await
        .unwrap();
    let removed = engine()
        .remove_image(image, None::<RemoveImageOptions>, None)
        .await;
    removed.expect("what is not ours was left alone until now");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn an_image_that_is_nowhere_is_lacking_and_says_what_to_do() {
    let (segments, mut nodes) = lan(&["a", "b"]);
    nodes[1].image = Some("localhost:1/no-such-image".to_owned());
    let plan = plan("absent", (segments, nodes));
    let backend = backend();
    let ledger = Arc::new(Recorded::default());
    let recorded: Arc<dyn Ledger> = Arc::<Recorded>::clone(&ledger);
    let error = backend.raise(&plan, recorded).await.unwrap_err();
    ledger.remove_all(&backend).await;
    nothing_left(&backend, &plan.lab).await;
    assert!(
        matches!(error.kind, BackendErrorKind::Lacking { .. }),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.contains("`docker pull localhost:1/no-such-image`"),
        "{text}"
    );
}

/// Dropped at every stage of its work, `raise` leaves nothing that its ledger does not know, not even
/// what the engine was about to make.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn a_raise_that_is_dropped_leaves_nothing_once_its_ledger_is_removed() {
    let backend = backend();
    for stage in 1..=5 {
        let plan = plan(&format!("dropped-{stage}"), lan(&["a", "b", "c"]));
        let ledger = Arc::new(Recorded::default());
        let recorded: Arc<dyn Ledger> = Arc::<Recorded>::clone(&ledger);
        tokio::select! {
            raised = backend.raise(&plan, recorded) => assert!(stage > 4, "{raised:?}"),
            () = ledger.reached(stage) => {}
        }
        ledger.remove_all(&backend).await;
        nothing_left(&backend, &plan.lab).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn what_is_not_ours_survives_and_is_not_listed() {
    let (engine, backend) = (engine(), backend());
    let decoy = format!("test-decoy-{:08x}-a", std::process::id());
    let network = NetworkCreateRequest {
        name: decoy.clone(),
        ..NetworkCreateRequest::default()
    };
    engine.create_network(network).await.unwrap();
    import_image("orchestrator-test-decoy").await;
    let options = CreateContainerOptionsBuilder::default()
        .name(&decoy)
        .build();
    let body = ContainerCreateBody {
        image: Some("orchestrator-test-decoy:1".to_owned()),
        ..ContainerCreateBody::default()
    };
    engine.create_container(Some(options), body).await.unwrap();

    let listed = backend.survey().await.unwrap();
    let named = |resource: &Resource| format!("{resource:?}").contains(&decoy);
    assert!(!listed.iter().any(|owned| named(&owned.resource)));
    for resource in [
        Resource::Container(decoy.clone()),
        Resource::ContainerNetwork(decoy.clone()),
    ] {
        backend.remove(&resource).await.unwrap();
    }

    let container = engine.remove_container(&decoy, None).await;
    let network = engine.remove_network(&decoy).await;
    let image = engine
        .remove_image(
            "orchestrator-test-decoy:1",
            None::<RemoveImageOptions>,
            None,
        )
        .await;
    container.expect("the decoy container was still there");
    network.expect("the decoy network was still there");
    image.expect("the decoy image was still there");
}
