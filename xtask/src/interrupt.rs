//! Catches Ctrl-C, so that this tool stops the programs it has started before it ends.

use std::sync::mpsc::{Receiver, channel};

use anyhow::Result;

/// Receives Ctrl-C.
pub(crate) struct Interrupt(Receiver<()>);

impl Interrupt {
    /// Waits for the first Ctrl-C.
    pub(crate) fn wait(&self) {
        // An error means that the thread of `catch` has ended, so that Ctrl-C cannot be received any more.
        let _ = self.0.recv();
    }
}

/// Catches Ctrl-C from now on: it ends the programs that this tool has started, but not the tool itself.
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
