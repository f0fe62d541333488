//! What contract data cannot show: a storage that fails, hostile values in every field, what is logged.

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod log;
#[cfg(test)]
mod server;
#[cfg(test)]
mod storage;
