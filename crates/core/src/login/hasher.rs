//! One password for all dialects, and the threads that hash it.
//!
//! The database stores argon2id of a *canonical form*, `md5hex(md5hex(password) + user_id)`. minilvb-v2 clients send this
//! form instead of the password (seed 001, register), so it is the only form that every dialect can compute.

use std::{sync::Arc, thread, time::Duration};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        Error as HashError,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::oneshot;

use super::queue::{Claim, FairQueue};
use crate::{
    AccountConfig, Error, Password, Random, Result, StartError, UserId,
    model::password::{PasswordForm, StoredPassword},
    sign::digest::md5_hex,
};

/// The canonical form of a password for an account.
fn canonical(password: &Password, user_id: &UserId) -> SecretString {
    let from = |md5: &str| md5_hex(format!("{md5}{user_id}")).into();
    match password.form() {
        PasswordForm::Plain(text) => from(&md5_hex(text.expose_secret())),
        PasswordForm::Md5(digits) => from(digits.expose_secret()),
        PasswordForm::Canonical(digits) => digits.clone(),
    }
}

impl Password {
    /// Whether two forms are those of the same password for an account: whether both open it.
    ///
    /// ```
    /// use relive_core::{Password, sign::password::derive};
    /// let (stored, typed) = (Password::canonical(derive("123456", &"anna".into())), Password::plain("123456"));
    /// assert!(stored.is_same(&typed, &"anna".into()));
    /// assert!(!stored.is_same(&typed, &"Anna".into()));
    /// ```
    pub fn is_same(&self, other: &Self, user_id: &UserId) -> bool {
        canonical(self, user_id).expose_secret() == canonical(other, user_id).expose_secret()
    }
}

type HashJob = Box<dyn FnOnce(&mut HashWorker) + Send>;

/// Time after which an idle thread frees its memory.
const MEMORY_KEPT: Duration = Duration::from_secs(1);

/// The parameters and the memory of one thread.
struct HashWorker {
    params: Params,
    /// Reused by the next hash: fresh memory for each hash took a tenth of the time of a login.
    memory: Vec<Block>,
}

impl HashWorker {
    /// Runs until the queue closes.
    fn serve(mut self, queue: &FairQueue<HashJob>) {
        while let Some(job) = queue.next(MEMORY_KEPT, || self.memory = Vec::new()) {
            job(&mut self);
        }
    }

    fn hash(&mut self, password: &[u8], salt: &[u8]) -> Result<StoredPassword, HashError> {
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        let salt = Salt::new(salt)?;
        let length = self.params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let argon2 = Argon2::new(algorithm, version, self.params.clone());
        let stored = PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&self.params)?,
            salt: Some(salt),
            hash: Some(self.output(&argon2, password, &salt, length)?),
        };
        Ok(StoredPassword(stored.to_string()))
    }

    /// Whether a password is the stored one; hashes with the cost of the stored hash.
    fn verify(&mut self, password: &[u8], stored: &PasswordHash) -> Result<bool, HashError> {
        let (Some(salt), Some(hash)) = (&stored.salt, &stored.hash) else { return Ok(false) };
        let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
        let version = stored.version.map_or(Ok(Version::V0x13), Version::try_from)?;
        let argon2 = Argon2::new(algorithm, version, Params::try_from(stored)?);
        // The comparison takes constant time.
        Ok(self.output(&argon2, password, salt, hash.len())? == *hash)
    }

    fn output(
        &mut self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        length: usize,
    ) -> Result<Output, HashError> {
        let blocks = argon2.params().block_count();
        self.memory.resize_with(self.memory.len().max(blocks), Block::default);
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..length).ok_or(HashError::OutputSize)?;
        argon2.hash_password_into_with_memory(password, salt, output, &mut self.memory)?;
        Ok(Output::new(output)?)
    }
}

/// The handle of the hash threads. There are fewer of them than cores, so that many logins at once leave a core to other
/// calls.
pub(crate) struct Hasher {
    queue: Arc<FairQueue<HashJob>>,
    random: Arc<dyn Random>,
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Lowers the calling thread's priority: a login may wait a moment longer, a heartbeat must not wait for logins.
fn lower_priority() {
    /// The lowest priority: a sixtieth of the weight of an ordinary thread.
    #[cfg(target_os = "linux")]
    const NICE: i32 = 19;
    // On Linux `nice` applies to the calling thread; elsewhere it would apply to the whole process.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICE);
}

impl Hasher {
    pub(crate) fn start(config: &AccountConfig, random: Arc<dyn Random>) -> Result<Self, StartError> {
        let params =
            Params::new(config.argon2_memory_kib, config.argon2_iterations, config.argon2_parallelism, None)
                .map_err(|error| StartError::Argon2(error.to_string()))?;
        let hasher = Self { queue: Arc::new(FairQueue::new(config.hash_queue)), random };
        for index in 0..config.hash_threads.max(1) {
            let queue = Arc::clone(&hasher.queue);
            let worker = HashWorker { params: params.clone(), memory: Vec::new() };
            thread::Builder::new()
                .name(format!("relive-hash-{index}"))
                .spawn(move || {
                    lower_priority();
                    worker.serve(&queue);
                })
                .map_err(StartError::Thread)?;
        }
        Ok(hasher)
    }

    async fn run<T: Send + 'static>(
        &self,
        claim: Claim,
        job: impl FnOnce(&mut HashWorker) -> T + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let job: HashJob = Box::new(move |worker| {
            // The caller may have gone away while the job waited.
            if !reply.is_closed() {
                let _ = reply.send(job(worker));
            }
        });
        self.queue.push(claim, job)?;
        // A job without an outcome has given way to others.
        answer.await.map_err(|_| Error::Busy)
    }

    /// Hashes a password for storing.
    ///
    /// Errors: [`Error::Busy`].
    pub(crate) async fn hash(
        &self,
        claim: Claim,
        password: &Password,
        user_id: &UserId,
    ) -> Result<StoredPassword> {
        let canonical = canonical(password, user_id);
        let mut salt = [0; 16];
        self.random.fill(&mut salt);
        self.run(claim, move |worker| {
            worker
                .hash(canonical.expose_secret().as_bytes(), &salt)
                .map_err(|error| Error::Storage(error.to_string().into()))
        })
        .await?
    }

    /// Whether one of the forms is the stored password. The comparison takes constant time.
    ///
    /// Errors: [`Error::Busy`].
    pub(crate) async fn verify(
        &self,
        claim: Claim,
        forms: &[Password],
        user_id: &UserId,
        stored: StoredPassword,
    ) -> Result<bool> {
        let mut candidates: Vec<SecretString> = Vec::with_capacity(forms.len());
        for form in forms {
            let candidate = canonical(form, user_id);
            if candidates.iter().all(|known| known.expose_secret() != candidate.expose_secret()) {
                candidates.push(candidate);
            }
        }
        self.run(claim, move |worker| {
            let Ok(stored) = PasswordHash::new(&stored.0) else { return false };
            candidates.iter().any(|candidate| {
                worker.verify(candidate.expose_secret().as_bytes(), &stored).unwrap_or(false)
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordVerifier as _;

    use super::*;

    fn worker(memory_kib: u32) -> HashWorker {
        HashWorker { params: Params::new(memory_kib, 2, 1, None).unwrap(), memory: Vec::new() }
    }

    #[test]
    fn a_hash_does_not_depend_on_earlier_hashes() {
        let mut used = worker(64);
        for password in ["first", "second"] {
            let StoredPassword(stored) = used.hash(password.as_bytes(), &[7; 16]).unwrap();
            assert!(Argon2::default().verify_password(password.as_bytes(), &*stored).is_ok(), "{stored}");
            assert!(worker(64).hash(password.as_bytes(), &[7; 16]).unwrap().0 == stored);
        }
    }

    #[test]
    fn a_password_stored_at_another_cost_is_accepted() {
        for (then, now) in [(64, 32), (32, 64)] {
            let StoredPassword(stored) = worker(then).hash(b"secret", &[7; 16]).unwrap();
            let (stored, mut worker) = (PasswordHash::new(&stored).unwrap(), worker(now));
            worker.hash(b"another", &[8; 16]).unwrap();
            assert!(worker.verify(b"secret", &stored).unwrap());
            assert!(!worker.verify(b"Secret", &stored).unwrap());
        }
    }
}
