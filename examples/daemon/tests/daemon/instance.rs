//! A running daemon, as a client and an operator see it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command};
use std::time::Duration;

/// A running daemon.
pub(crate) struct Instance {
    process: Child,
    output: BufReader<ChildStdout>,
    /// What it printed before it listened.
    pub(crate) log: Vec<String>,
    address: String,
}

impl Instance {
    pub(crate) fn of(mut process: Child) -> Self {
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut log = Vec::new();
        loop {
            let mut line = String::new();
            if output.read_line(&mut line).unwrap() == 0 {
                let mut errors = String::new();
                process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
                panic!("the daemon stopped with {}: {errors}", process.wait().unwrap());
            }
            if let Some(address) = line.trim().strip_prefix("listening on ") {
                let address = address.to_owned();
                return Self { process, output, log, address };
            }
            log.push(line.trim().to_owned());
        }
    }

    /// The status and the body of `GET path`.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: daemon\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        status.zip(body).unwrap_or_else(|| panic!("no HTTP answer: {answer:?}"))
    }

    /// Asks it to stop; gives its exit code and what it still printed.
    #[cfg(unix)]
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (self.process.wait().unwrap().code(), rest)
    }

    #[cfg(not(unix))]
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        drop(self.output);
        (Some(0), "stopped".to_owned())
    }
}
