//! A relay between cores and a database server.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Forwards the bytes between cores and a database server.
pub(crate) struct Relay {
    address: String,
    shared: Arc<Shared>,
}

struct Shared {
    route: Mutex<Route>,
    /// The word in a request whose answer an armed relay swallows; empty for none.
    word: &'static str,
    armed: AtomicBool,
}

/// The address to which new connections are forwarded, and both ends of the open ones.
struct Route {
    server: String,
    open: Vec<TcpStream>,
}

impl Shared {
    fn route(&self) -> MutexGuard<'_, Route> {
        self.route.lock().unwrap()
    }

    /// Forwards both directions of a connection, each in a thread.
    fn serve(self: &Arc<Self>, core: TcpStream) {
        let mut route = self.route();
        // Without a server the core's connection is closed.
        let Ok(server) = TcpStream::connect(&route.server) else { return };
        route.open.extend([core.try_clone().unwrap(), server.try_clone().unwrap()]);
        drop(route);
        // Whether the next answer on this connection is swallowed.
        let silent = Arc::new(AtomicBool::new(false));
        let (from, to) = (core.try_clone().unwrap(), server.try_clone().unwrap());
        let (shared, marked) = (Arc::clone(self), Arc::clone(&silent));
        thread::spawn(move || {
            pass(from, to, |bytes| {
                if shared.has_word(bytes) && shared.armed.swap(false, Ordering::SeqCst) {
                    marked.store(true, Ordering::SeqCst);
                }
                true
            });
        });
        thread::spawn(move || pass(server, core, |_| !silent.load(Ordering::SeqCst)));
    }

    fn has_word(&self, bytes: &[u8]) -> bool {
        let word = self.word.as_bytes();
        !word.is_empty() && bytes.windows(word.len()).any(|part| part == word)
    }
}

impl Relay {
    /// Starts a relay to the server at this address.
    pub(crate) fn start(server: String, word: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let route = Mutex::new(Route { server, open: Vec::new() });
        let shared = Arc::new(Shared { route, word, armed: AtomicBool::new(false) });
        let own = Arc::clone(&shared);
        thread::spawn(move || listener.incoming().for_each(|core| own.serve(core.unwrap())));
        Self { address, shared }
    }

    /// Returns the URL of a database with the relay's address in place of the server's.
    pub(crate) fn url(&self, database: &str) -> String {
        let (user, rest) = database.rsplit_once('@').unwrap();
        let (_, name) = rest.split_once('/').unwrap();
        // The relay reads the requests, so they must not be encrypted.
        format!("{user}@{}/{name}?sslmode=disable", self.address)
    }

    /// Swallows the answer to the next request with the word, and closes that connection.
    pub(crate) fn arm(&self) {
        self.shared.armed.store(true, Ordering::SeqCst);
    }

    /// Whether no request with the word has come since [`Relay::arm`].
    pub(crate) fn is_armed(&self) -> bool {
        self.shared.armed.load(Ordering::SeqCst)
    }

    /// Forwards new connections to another server, and cuts all open connections.
    pub(crate) fn switch(&self, server: String) {
        let mut route = self.shared.route();
        route.server = server;
        for stream in route.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// The address in a database URL.
pub(crate) fn address(url: &str) -> String {
    let (_, rest) = url.rsplit_once('@').unwrap();
    rest.split_once('/').unwrap().0.to_owned()
}

/// Forwards bytes until a read ends or `may` refuses.
fn pass(mut from: TcpStream, mut to: TcpStream, mut may: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer)
        && let Some(bytes) = buffer.get(..read)
        && may(bytes)
        && to.write_all(bytes).is_ok()
    {}
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
