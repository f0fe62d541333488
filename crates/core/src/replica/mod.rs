//! Keeps the read model equal to the tables: loads it, and follows the other gateways of a shared database.

pub(crate) mod follower;
pub(crate) mod load;
