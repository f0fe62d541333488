//! Tests the promises of the core through its public API alone. One module per promise.

#[cfg(test)]
mod audience;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod drivers;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod exact;
#[cfg(test)]
mod life;
#[cfg(test)]
mod live_rooms;
#[cfg(test)]
mod names;
mod overview;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod session;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod support;
