//! Compares the core with a simple model of its rules: one broadcast and one audience per room, and time-outs. Long
//! random sequences of actions go through all dialects; after every few actions the views of all dialects are compared
//! with those of the model.

#[cfg(test)]
mod action;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod model;
#[cfg(test)]
mod runner;

#[cfg(test)]
mod tests {
    use super::runner::Runner;

    /// Actions of each of the four tests.
    const ACTIONS: usize = 25_000;
    /// Actions of each test over a network.
    const SLOW_ACTIONS: usize = 2_000;

    async fn run(seed: u64) {
        let mut runner = Runner::start(seed).await;
        for _ in 0..if runner.is_slow() { SLOW_ACTIONS } else { ACTIONS } {
            runner.step().await;
        }
        runner.finish().await;
    }

    #[tokio::test]
    async fn random_actions_with_seed_1() {
        run(1).await;
    }

    #[tokio::test]
    async fn random_actions_with_seed_2() {
        run(2).await;
    }

    #[tokio::test]
    async fn random_actions_with_seed_3() {
        run(3).await;
    }

    #[tokio::test]
    async fn random_actions_with_seed_4() {
        run(4).await;
    }
}
