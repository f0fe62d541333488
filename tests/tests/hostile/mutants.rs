//! Every interface is attacked with its own request, spoilt.

use anyhow::ensure;
use contract_tests::{Server, case::Prepared, replay::rehearse};
use futures_util::{StreamExt as _, stream};

use crate::{
    spoil::{self, Kind, Mutant},
    target::{Target, interfaces},
    world::{Wire, assert_nothing_panicked, holdings},
};

/// Targets attacked at a time.
const PARALLEL: usize = 4;

/// One sends a code only once a minute, the other calls a wrong ticket an internal error (contract sxb §4.B).
const MAY_BLAME_THEMSELVES: [&str; 2] = ["/live/AuthCode", "svc=account&cmd=verify"];

/// A server in the state in which the request succeeds.
async fn rehearsed(target: &Target) -> (Server, Prepared) {
    // Guessing passwords is slowed down elsewhere; here it would hide what comes behind.
    let keys = [("limits.login_failures_per_account", 0.into())];
    let (server, next) = rehearse(&target.file, target.before, &keys)
        .await
        .unwrap_or_else(|error| panic!("{}: {error:#}", target.file.display()));
    (server, next.expect("the step is there"))
}

/// Sends a mutant; `true` if it was welcome all the same.
async fn send(wire: Wire, server: &Server, request: &Prepared, mutant: &Mutant) -> bool {
    let result = request.send(&server.client(), mutant.body.clone()).await.and_then(|answer| {
        let code = wire.check(&answer)?;
        let blames_itself = code.is_some_and(|code| wire.faults().contains(&code));
        let allowed = MAY_BLAME_THEMSELVES.iter().any(|path| request.path.ends_with(path));
        ensure!(!blames_itself || allowed, "the server blames itself: {code:?}");
        let [not_json, no_object, _] = wire.malformed();
        match mutant.kind {
            // What needs no body does not look at it.
            _ if request.body.is_empty() => {}
            Kind::Odd => {}
            Kind::NotJson => ensure!(code == Some(not_json), "{code:?} for what is no JSON"),
            Kind::NotAnObject => {
                ensure!(code == Some(no_object) || code == Some(not_json), "{code:?} for what is no object");
            }
        }
        Ok(wire.welcomes(code))
    });
    result.unwrap_or_else(|error| {
        let start: String = String::from_utf8_lossy(&mutant.body).chars().take(300).collect();
        panic!("{} with {}: {error:#}\n{start}", request.path, mutant.name)
    })
}

async fn attack(wire: Wire, target: &Target) {
    let (server, request) = rehearsed(target).await;
    let mut mutants = spoil::bodies(&request.body);
    mutants.extend(spoil::fields(&request.body, &target.fields));
    let mut refused = Vec::new();
    for mutant in mutants {
        if !send(wire, &server, &request, &mutant).await {
            refused.push(mutant);
        }
    }
    assert!(!holdings(&server).await.concat().contains("\\0"), "{}: U+0000 was stored", request.path);
    assert_nothing_panicked(&server).await;

    // Once more on a fresh server only what is refused: it must leave no trace.
    let (mut server, mut request) = rehearsed(target).await;
    let mut before = holdings(&server).await;
    for mutant in &refused {
        if send(wire, &server, &request, mutant).await {
            (server, request) = rehearsed(target).await;
            before = holdings(&server).await;
        }
    }
    if holdings(&server).await != before {
        name_the_culprit(wire, target, &refused).await;
    }
    let whole = Mutant { name: "itself".to_owned(), body: request.body.clone(), kind: Kind::Odd };
    assert!(send(wire, &server, &request, &whole).await, "{}: the request itself fails", request.path);
}

async fn name_the_culprit(wire: Wire, target: &Target, refused: &[Mutant]) -> ! {
    let (server, request) = rehearsed(target).await;
    let before = holdings(&server).await;
    for mutant in refused {
        send(wire, &server, &request, mutant).await;
        let after = holdings(&server).await;
        assert_eq!(before, after, "{} refused, but not without effect: {}", request.path, mutant.name);
    }
    panic!("{}: something refused had an effect", request.path);
}

async fn attack_all(wire: Wire) {
    let targets = interfaces(wire).into_iter().flat_map(|interface| Target::of(wire, &interface));
    stream::iter(targets).for_each_concurrent(PARALLEL, async |target| attack(wire, &target).await).await;
}

macro_rules! attacks {
    ($( $test:ident: $wire:ident, )+) => { $(
        #[tokio::test]
        async fn $test() {
            attack_all(Wire::$wire).await;
        }
    )+ };
}

attacks! {
    minilvb_v1: V1,
    minilvb_v2: V2,
    sxb: Sxb,
    qplus: Qplus,
    callback: Callback,
}
