//! A NATS server of the test's own, that it may stop, kill and wipe.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{from_runner, wait_for};

/// A running (or stopped) nats-server with JetStream.
pub struct Broker {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Broker {
    /// Starts a server on a free port.
    pub async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut broker = Self { folder: tempfile::tempdir().unwrap(), port, child: None };
        broker.restart().await;
        broker
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Starts it again on the same port and disk.
    pub async fn restart(&mut self) {
        self.kill();
        // It dies with the test, however that ends.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", &from_runner("LIANXIN_TEST_NATS_SERVER")])
            .args(["-a", "127.0.0.1", "-p", &self.port.to_string(), "-js", "-sd"])
            .arg(self.store())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server starts");
        self.child = Some(child);
        let port = self.port;
        wait_for("the broker", || async move { tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() })
            .await;
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Wipes its disk. Only a server that is not running can be wiped.
    pub fn wipe(&self) {
        assert!(self.child.is_none(), "stop the broker before wiping its disk");
        let _ = std::fs::remove_dir_all(self.store());
    }

    /// Keeps a copy of its disk, to be set back to. Only of a server that is not running.
    pub fn save(&self) {
        assert!(self.child.is_none(), "stop the broker before copying its disk");
        copy(&self.store(), &self.folder.path().join("saved"));
    }

    /// Sets its disk back to the copy: what a restored backup looks like.
    pub fn set_back(&self) {
        self.wipe();
        copy(&self.folder.path().join("saved"), &self.store());
    }

    fn store(&self) -> std::path::PathBuf {
        Path::new(self.folder.path()).join("jetstream")
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(copied.success());
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}
