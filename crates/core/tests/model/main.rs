//! The core against a plain model of what is written down: one directory of what is on air, time-outs, one broadcast
//! per room (design §2 rules 2, 5, 7). Long random walks through all dialects; after each few steps every dialect's
//! view is compared with the model's.

#[cfg(test)]
mod act;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod walk;

#[cfg(test)]
mod tests {
    use super::walk::Walk;

    /// Four walks of this length, a hundred thousand acts; fewer over a network.
    const STEPS: usize = 25_000;
    const SLOW_STEPS: usize = 2_000;

    async fn walk(seed: u64) {
        let mut walk = Walk::start(seed).await;
        for _ in 0..if walk.is_slow() { SLOW_STEPS } else { STEPS } {
            walk.step().await;
        }
        walk.finish().await;
    }

    #[tokio::test]
    async fn first_walk() {
        walk(1).await;
    }

    #[tokio::test]
    async fn second_walk() {
        walk(2).await;
    }

    #[tokio::test]
    async fn third_walk() {
        walk(3).await;
    }

    #[tokio::test]
    async fn fourth_walk() {
        walk(4).await;
    }
}
