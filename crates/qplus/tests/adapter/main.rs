//! The adapter through its seam, where contract data cannot reach: delivered codes, other dialects, metrics, the log.

#[cfg(test)]
mod log;
#[cfg(test)]
mod phone;
#[cfg(test)]
mod seam;
#[cfg(test)]
mod server;
#[cfg(test)]
mod shared;
