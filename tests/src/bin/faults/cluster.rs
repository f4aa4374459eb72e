//! Three nats-servers that keep every stream three times, as processes that can be killed, stopped and wiped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use async_nats::ConnectOptions;
use async_nats::jetstream;
use async_nats::jetstream::stream::ClusterInfo;
use futures::TryStreamExt;
use lianxin::servers::{Programs, free_port};

use crate::proxy::Proxy;

/// Nodes of the cluster: the fewest of which one may be lost.
pub(crate) const NODES: usize = 3;
/// How long the nodes may take to agree on a leader.
const AGREEMENT: Duration = Duration::from_secs(60);
/// Those who have a stream.
const SERVICES: [&str; 3] = ["registry", "liaison", "casework"];
/// Who logs in, and with what.
const USER: &str = "lianxin";
const PASSWORD: &str = "faults";

/// The cluster.
pub(crate) struct Cluster {
    nodes: Vec<Node>,
    programs: Programs,
}

struct Node {
    folder: PathBuf,
    port: u16,
    /// What services connect to.
    proxy: Proxy,
    child: Option<Child>,
}

impl Cluster {
    /// Starts the nodes and waits until they have a leader.
    pub(crate) async fn start(folder: &Path, programs: &Programs) -> Result<Self> {
        let mut nodes = Vec::new();
        for number in 0..NODES {
            let port = free_port()?;
            let folder = folder.join(format!("nats-{number}"));
            fs::create_dir_all(&folder)?;
            nodes.push(Node { folder, port, proxy: Proxy::before(port).await?, child: None });
        }
        let routes: Vec<u16> = (0..NODES).map(|_| free_port()).collect::<Result<_>>()?;
        for (number, node) in nodes.iter().enumerate() {
            fs::write(node.folder.join("nats.conf"), configuration(node, number, &routes))?;
        }
        let mut cluster = Self { nodes, programs: programs.clone() };
        for number in 0..NODES {
            cluster.begin(number)?;
        }
        cluster.agreed().await?;
        Ok(cluster)
    }

    /// What a service is told: every node, through its proxy.
    pub(crate) fn url(&self) -> String {
        let nodes: Vec<String> =
            self.nodes.iter().map(|node| format!("nats://{USER}:{PASSWORD}@127.0.0.1:{}", node.proxy.port())).collect();
        nodes.join(",")
    }

    /// The proxies in front of the nodes.
    pub(crate) fn proxies(&self) -> impl Iterator<Item = &Proxy> {
        self.nodes.iter().map(|node| &node.proxy)
    }

    /// Process id of a node that runs.
    pub(crate) fn pid(&self, number: usize) -> Option<u32> {
        self.nodes[number].child.as_ref().map(Child::id)
    }

    /// Starts a node, if it does not run.
    pub(crate) fn begin(&mut self, number: usize) -> Result<()> {
        let node = &mut self.nodes[number];
        if node.child.is_some() {
            return Ok(());
        }
        let log = fs::OpenOptions::new().create(true).append(true).open(node.folder.with_extension("log"))?;
        let mut command = Command::new("setpriv");
        if let Some(path) = &self.programs.library_path {
            command.env("LD_LIBRARY_PATH", path);
        }
        let child = command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.programs.nats_server)
            .arg("--config")
            .arg(node.folder.join("nats.conf"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("nats-server does not start")?;
        node.child = Some(child);
        Ok(())
    }

    /// kill -9 of a node.
    pub(crate) fn kill(&mut self, number: usize) {
        if let Some(mut child) = self.nodes[number].child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Removes all that a node has stored; it must not run.
    pub(crate) fn wipe(&self, number: usize) -> Result<()> {
        let store = self.nodes[number].folder.join("store");
        if store.exists() {
            fs::remove_dir_all(store)?;
        }
        Ok(())
    }

    /// Waits until the nodes have a leader that answers.
    pub(crate) async fn agreed(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            if let Ok(client) = self.client().await
                // Asked by hand: the client does not understand the whole answer of a broker older than 2.10.
                && let Ok(answer) = client.request("$JS.API.INFO", "".into()).await
                && !String::from_utf8_lossy(&answer.payload).contains("\"error\"")
            {
                return Ok(());
            }
            if begun.elapsed() > AGREEMENT {
                bail!("the nodes of NATS have had no leader for {} s", AGREEMENT.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until every node has all of every stream and consumer. Before that the cluster can lose no disk: a second one,
    /// lost while the first is not yet made up for, may be the only one that has what both others need, and nats-server
    /// 2.9.10 then waits for it for ever.
    pub(crate) async fn whole(&self) -> Result<()> {
        let begun = Instant::now();
        while !self.is_whole().await.unwrap_or(false) {
            if begun.elapsed() > AGREEMENT {
                bail!("a node of NATS has been behind for {} s", AGREEMENT.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    async fn is_whole(&self) -> Result<bool> {
        let context = jetstream::new(self.client().await?);
        let is_behind = |cluster: Option<&ClusterInfo>| {
            cluster.is_none_or(|cluster| {
                cluster.leader.is_none() || cluster.replicas.iter().any(|peer| !peer.current || peer.offline)
            })
        };
        for service in SERVICES {
            let mut stream = context.get_stream(service.to_ascii_uppercase()).await?;
            if is_behind(stream.info().await?.cluster.as_ref()) {
                return Ok(false);
            }
            let mut consumers = stream.consumers();
            while let Some(consumer) = consumers.try_next().await? {
                if is_behind(consumer.cluster.as_ref()) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The node that leads the stream of a service.
    pub(crate) async fn leader(&self, service: &str) -> Result<usize> {
        let context = jetstream::new(self.client().await?);
        let mut stream = context.get_stream(service.to_ascii_uppercase()).await?;
        let leader = stream.info().await?.cluster.as_ref().and_then(|cluster| cluster.leader.clone());
        let leader = leader.context("the stream has no leader")?;
        leader.trim_start_matches("node-").parse().with_context(|| format!("a node called {leader}"))
    }

    /// A client that talks to the nodes themselves, past the proxies.
    pub(crate) async fn client(&self) -> Result<async_nats::Client> {
        let addresses: Vec<async_nats::ServerAddr> = self
            .nodes
            .iter()
            .map(|node| format!("nats://127.0.0.1:{}", node.port).parse())
            .collect::<Result<_, _>>()?;
        let options = ConnectOptions::with_user_and_password(USER.to_owned(), PASSWORD.to_owned())
            .request_timeout(Some(Duration::from_secs(2)));
        Ok(options.connect(addresses).await?)
    }
}

fn configuration(node: &Node, number: usize, routes: &[u16]) -> String {
    let others: Vec<String> = routes.iter().map(|port| format!("\"nats://127.0.0.1:{port}\"")).collect();
    format!(
        r#"server_name: node-{number}
listen: "127.0.0.1:{port}"
authorization {{ user: {USER}, password: {PASSWORD} }}
jetstream {{ store_dir: "{store}" }}
# Clients are not told of the other nodes: they are to come through the proxies.
cluster {{ name: faults, listen: "127.0.0.1:{route}", no_advertise: true, routes: [{others}] }}
"#,
        port = node.port,
        store = node.folder.join("store").display(),
        route = routes[number],
        others = others.join(", "),
    )
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for number in 0..NODES {
            self.kill(number);
        }
    }
}
