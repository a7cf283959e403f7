//! A Discord on loopback: REST, gateway, world, permissions, limits, faults.
