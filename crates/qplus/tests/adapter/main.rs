//! Tests beyond contract data: delivered codes, rooms of other dialects, metric labels, secrets in the log.

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
