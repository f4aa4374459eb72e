//! A TCP proxy through which every connection of the system goes: it can slow connections down, cut them, and let them
//! fall silent. It knows no protocol.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Most that is carried at once, so that a delay is felt by long answers too.
const CHUNK: usize = 16 * 1024;

/// What a proxy does with connections.
#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    /// Everything arrives this much later, in either direction.
    delay: Duration,
    /// No connection is let through.
    closed: bool,
    /// Connections begun before the last cut are gone.
    cuts: u64,
    /// Connections begun before the last hush carry nothing any more, and nobody is told.
    hushes: u64,
}

/// A proxy on a port of its own, for as long as the program runs.
pub(crate) struct Proxy {
    port: u16,
    weather: watch::Sender<Weather>,
}

impl Proxy {
    /// Stands in front of a port of this machine, whether somebody listens there yet or not.
    pub(crate) async fn before(upstream: u16) -> Result<Self> {
        // Bound for good, so it may be any port.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("a port for a proxy")?;
        let port = listener.local_addr()?.port();
        let (weather, seen) = watch::channel(Weather::default());
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((client, _)) => {
                        tokio::spawn(carry(client, upstream, seen.clone()));
                    }
                    // Out of files, for a moment.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        Ok(Self { port, weather })
    }

    /// Where to connect to.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Cuts every connection there is; new ones are let through.
    pub(crate) fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    /// Lets every connection there is fall silent for good, as a firewall does that has forgotten them; new ones are
    /// let through.
    pub(crate) fn hush(&self) {
        self.weather.send_modify(|weather| weather.hushes += 1);
    }

    /// Cuts every connection there is and lets none through.
    pub(crate) fn close(&self) {
        self.weather.send_modify(|weather| {
            weather.cuts += 1;
            weather.closed = true;
        });
    }

    /// Delays everything by this much.
    pub(crate) fn slow(&self, delay: Duration) {
        self.weather.send_modify(|weather| weather.delay = delay);
    }

    /// Lets everything through again, without delay.
    pub(crate) fn open(&self) {
        self.weather.send_modify(|weather| {
            weather.closed = false;
            weather.delay = Duration::ZERO;
        });
    }
}

async fn carry(client: TcpStream, upstream: u16, weather: watch::Receiver<Weather>) {
    let begun = *weather.borrow();
    if begun.closed {
        return;
    }
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream)).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let mut cut = weather.clone();
    tokio::select! {
        () = pump(from_client, to_server, begun, weather.clone()) => {}
        () = pump(from_server, to_client, begun, weather) => {}
        _ = cut.wait_for(|now| now.cuts > begun.cuts) => {}
    }
}

/// Carries one direction until either side has had enough.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, begun: Weather, weather: watch::Receiver<Weather>) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let now = *weather.borrow();
        if now.hushes > begun.hushes {
            // What was sent is never acknowledged by anybody, and that the other side left is not heard of.
            return std::future::pending().await;
        }
        if !now.delay.is_zero() {
            tokio::time::sleep(now.delay).await;
        }
        if to.write_all(&chunk[..length]).await.is_err() {
            return;
        }
    }
    if weather.borrow().hushes > begun.hushes {
        std::future::pending().await
    }
}
