//! Sends spoilt requests to every interface.

use anyhow::ensure;
use contract_tests::{Server, case::Prepared, replay::rehearse};
use futures_util::{StreamExt as _, stream};

use crate::{
    spoil::{self, Kind, Mutant},
    target::{Target, interfaces},
    world::{Wire, assert_nothing_panicked, stored},
};

/// How many targets are attacked at a time.
const PARALLEL: usize = 4;

/// Paths that may answer an internal error: `AuthCode` sends a code only once a minute, and `verify` has no other code
/// for a wrong ticket (contract sxb §4.B).
const MAY_FAIL: [&str; 2] = ["/live/AuthCode", "svc=account&cmd=verify"];

/// Prepares a server on which the request succeeds, and the request.
async fn rehearsed(target: &Target) -> (Server, Prepared) {
    // The limit of failed logins would hide the checks behind it.
    let keys = [("limits.login_failures_per_account", 0.into())];
    let (server, next) = rehearse(&target.file, target.before, &keys)
        .await
        .unwrap_or_else(|error| panic!("{}: {error:#}", target.file.display()));
    (server, next.expect("the step is there"))
}

/// Sends a mutant; `true` if the server accepted it.
async fn send(wire: Wire, server: &Server, request: &Prepared, mutant: &Mutant) -> bool {
    let result = request.send(&server.client(), mutant.body.clone()).await.and_then(|answer| {
        let code = wire.check(&answer)?;
        let failed = code.is_some_and(|code| wire.faults().contains(&code));
        let allowed = MAY_FAIL.iter().any(|path| request.path.ends_with(path));
        ensure!(!failed || allowed, "an internal error: {code:?}");
        let [not_json, no_object, _] = wire.malformed();
        match mutant.kind {
            // An interface without a body ignores it.
            _ if request.body.is_empty() => {}
            Kind::Odd => {}
            Kind::NotJson => ensure!(code == Some(not_json), "{code:?} for a body that is no JSON"),
            Kind::NotAnObject => {
                ensure!(
                    code == Some(no_object) || code == Some(not_json),
                    "{code:?} for a body that is no object"
                );
            }
        }
        Ok(wire.accepts(code))
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
    assert!(!stored(&server).await.concat().contains("\\0"), "{}: U+0000 was stored", request.path);
    assert_nothing_panicked(&server).await;

    // Sends the refused mutants once more to a fresh server, whose state must not change.
    let (mut server, mut request) = rehearsed(target).await;
    let mut before = stored(&server).await;
    for mutant in &refused {
        if send(wire, &server, &request, mutant).await {
            (server, request) = rehearsed(target).await;
            before = stored(&server).await;
        }
    }
    if stored(&server).await != before {
        report_effect(wire, target, &refused).await;
    }
    let whole = Mutant { name: "itself".to_owned(), body: request.body.clone(), kind: Kind::Odd };
    assert!(send(wire, &server, &request, &whole).await, "{}: the request itself fails", request.path);
}

async fn report_effect(wire: Wire, target: &Target, refused: &[Mutant]) -> ! {
    let (server, request) = rehearsed(target).await;
    let before = stored(&server).await;
    for mutant in refused {
        send(wire, &server, &request, mutant).await;
        let after = stored(&server).await;
        assert_eq!(before, after, "{} refused a mutant that had an effect: {}", request.path, mutant.name);
    }
    panic!("{}: refused mutants had an effect together", request.path);
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
    roomservice: RoomService,
    callback: Callback,
}
