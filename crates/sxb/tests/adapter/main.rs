//! Tests beyond contract data: storage failures, hostile values in every field, secrets in the log.

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod log;
#[cfg(test)]
mod server;
#[cfg(test)]
mod storage;
