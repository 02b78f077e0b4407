#![no_main]

use libfuzzer_sys::fuzz_target;
use whimbrel_core::split::Lexer;

mod sound;

fuzz_target!(|sql: &str| sound::check_text(Lexer::Postgres, sql));
