//! Measures the ratio to the bare server over the number of connections, for the plot.

use anyhow::Result;

use super::{
    Bench,
    throughput::{SCENARIOS, beside_bare},
};

const NAME: &str = "curve over connections, for the plot";
const CONNECTIONS: [u32; 5] = [1, 4, 16, 64, 256];

/// The scenarios of the plot, and their labels.
const LOADS: [(&str, &str); 4] = [
    ("sxb heartbeat", "heartbeat"),
    ("sxb roomlist, 10 of 1,000", "roomlist"),
    ("v1 like on one live, durable", "like on one live"),
    ("mixed", "mixed"),
];

/// Numbers of connections, each with relive's rate divided by the bare server's.
pub(super) type Curve = Vec<(u32, f64)>;

/// Measures all curves, if the options select them.
pub(super) fn run(bench: &Bench) -> Result<Vec<(&'static str, Curve)>> {
    if !bench.wants(NAME) {
        return Ok(Vec::new());
    }
    let seconds = bench.options.seconds.div_ceil(2);
    let mut curves = Vec::new();
    for (name, label) in LOADS {
        let Some(scenario) = SCENARIOS.iter().find(|scenario| scenario.name == name) else { continue };
        let site = bench.site(scenario.shape)?;
        let (requests, bare) = beside_bare(&site, (scenario.requests)(&site.world))?;
        let mut curve = Vec::new();
        for connections in CONNECTIONS {
            let pair = bench.compare(&site, (&requests, &bare), connections, seconds)?;
            println!("{label}, {connections} connections: {:.2} × bare", pair.ratio());
            curve.push((connections, pair.ratio()));
        }
        bench.check(&site.server, name)?;
        curves.push((label, curve));
    }
    Ok(curves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_curve_names_a_scenario() {
        assert!(LOADS.iter().all(|(name, _)| SCENARIOS.iter().any(|scenario| scenario.name == *name)));
    }
}
