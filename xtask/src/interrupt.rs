//! Ctrl-C does not end this tool at once: what it started is stopped first.

use std::sync::mpsc::{Receiver, channel};

use anyhow::Result;

/// Hears of Ctrl-C.
pub(crate) struct Interrupt(Receiver<()>);

impl Interrupt {
    /// Waits for the first Ctrl-C.
    pub(crate) fn wait(&self) {
        // An error would mean that the thread below is gone: no Ctrl-C will ever be heard of.
        let _ = self.0.recv();
    }
}

/// From now on Ctrl-C goes to the programs this one has started, and to whoever waits here.
pub(crate) fn catch() -> Result<Interrupt> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signal = {
        let _inside = runtime.enter();
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?
    };
    let (sender, receiver) = channel();
    std::thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
        runtime.block_on(async {
            while signal.recv().await.is_some() {
                if sender.send(()).is_err() {
                    break;
                }
            }
        });
    })?;
    Ok(Interrupt(receiver))
}
