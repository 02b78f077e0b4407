#![doc = include_str!("lib.md")]
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a case that fails panics, as tests do, and its runner shows the message"
)]

mod bench;
mod cases;
mod check;
mod fault;
mod op;
mod record;
mod subject;

pub use bench::Bench;
pub use cases::{About, Case, Outcome, cases, run};
pub use check::{Checked, Violations};
pub use fault::{Fault, Faulty};
pub use op::OpKind;
pub use record::{Call, Recording};
pub use subject::{FreshDatabase, Line, Snippets, Subject};
