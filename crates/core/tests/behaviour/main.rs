//! What the core promises, through its public API alone. One module per promise.

#[cfg(test)]
mod audience;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod names;
#[cfg(test)]
mod session;
#[cfg(test)]
mod support;
