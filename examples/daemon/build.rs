//! Builds the daemon again when a file is added to a migration folder; changed and removed ones are noticed without it.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations-sqlite");
    println!("cargo::rerun-if-changed=../../migrations-pg");
}
