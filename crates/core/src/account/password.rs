//! One password for four dialects, and the threads that hash it.
//!
//! What is stored is argon2id of a *canonical form*, `md5hex(md5hex(password) + user_id)`: it is what minilvb-v2
//! clients send instead of the password (seed 001, register), so it is the only form every dialect can reach.

use std::{fmt, sync::Arc, thread};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use crossbeam_channel::{Receiver, Sender, TrySendError};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::oneshot;

use crate::{AccountConfig, Error, Random, Result, StartError, sign::digest::md5_hex};

/// A password as some dialect delivers it.
#[derive(Clone)]
pub struct Password(Form);

#[derive(Clone)]
enum Form {
    Plain(SecretString),
    Canonical(SecretString),
}

impl Password {
    /// The text the user typed.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(Form::Plain(text.into().into()))
    }

    /// The canonical form, 32 lower-case hex digits, made by the client.
    pub fn canonical(digits: impl Into<String>) -> Self {
        Self(Form::Canonical(digits.into().into()))
    }

    /// The canonical form for this account.
    fn for_user(&self, user_id: &str) -> SecretString {
        match &self.0 {
            Form::Plain(text) => md5_hex(format!("{}{user_id}", md5_hex(text.expose_secret()))).into(),
            Form::Canonical(digits) => digits.clone(),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// The salted slow hash of a password, in PHC string format.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct StoredPassword(pub(crate) String);

type Job = Box<dyn FnOnce(&Argon2<'static>) + Send>;

/// A few threads that hash, so that logins never take the processor from everything else.
#[derive(Debug, Clone)]
pub(crate) struct Hasher {
    jobs: Sender<Job>,
    random: Arc<dyn Random>,
}

/// Lets every other thread go first: a login may wait a moment longer, a heartbeat must not wait for logins.
fn step_back() {
    /// The least weight there is: a sixtieth of the others'.
    #[cfg(target_os = "linux")]
    const NICE: i32 = 19;
    // On Linux the calling thread's own; elsewhere it would be the whole process's.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICE);
}

impl Hasher {
    pub(crate) fn start(config: &AccountConfig, random: Arc<dyn Random>) -> Result<Self, StartError> {
        let params =
            Params::new(config.argon2_memory_kib, config.argon2_iterations, config.argon2_parallelism, None)
                .map_err(|error| StartError::Argon2(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let (jobs, queue): (Sender<Job>, Receiver<Job>) = crossbeam_channel::bounded(config.hash_queue);
        for index in 0..config.hash_threads.max(1) {
            let (queue, argon2) = (queue.clone(), argon2.clone());
            thread::Builder::new()
                .name(format!("relive-hash-{index}"))
                .spawn(move || {
                    step_back();
                    queue.into_iter().for_each(|job| job(&argon2));
                })
                .map_err(StartError::Thread)?;
        }
        Ok(Self { jobs, random })
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Argon2<'static>) -> T + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |argon2| {
            // Whoever asked may have given up while the job waited.
            if !reply.is_closed() {
                let _ = reply.send(job(argon2));
            }
        });
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => Error::Unavailable,
        })?;
        answer.await.map_err(|_| Error::Unavailable)
    }

    /// Hashes a password for storing.
    pub(crate) async fn hash(&self, password: &Password, user_id: &str) -> Result<StoredPassword> {
        let canonical = password.for_user(user_id);
        let mut salt = [0; 16];
        self.random.fill(&mut salt);
        self.run(move |argon2| {
            argon2
                .hash_password_with_salt(canonical.expose_secret().as_bytes(), &salt)
                .map(|hash| StoredPassword(hash.to_string()))
                .map_err(|error| Error::Storage(error.to_string().into()))
        })
        .await?
    }

    /// Whether one of the forms is the stored password. The comparison takes constant time.
    pub(crate) async fn verify(
        &self,
        forms: &[Password],
        user_id: &str,
        stored: StoredPassword,
    ) -> Result<bool> {
        let mut candidates: Vec<SecretString> = Vec::with_capacity(forms.len());
        for form in forms {
            let candidate = form.for_user(user_id);
            if candidates.iter().all(|known| known.expose_secret() != candidate.expose_secret()) {
                candidates.push(candidate);
            }
        }
        self.run(move |argon2| {
            let Ok(stored) = PasswordHash::new(&stored.0) else { return false };
            candidates.iter().any(|candidate| {
                argon2.verify_password(candidate.expose_secret().as_bytes(), &stored).is_ok()
            })
        })
        .await
    }
}
