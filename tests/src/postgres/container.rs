//! Servers in containers, through testcontainers.

use std::time::Duration;

use testcontainers::{
    ContainerAsync, ContainerRequest, GenericImage, ImageExt, ReuseDirective,
    core::{IntoContainerPort, Mount},
    runners::AsyncRunner,
};
use tokio::time::{Instant, sleep};

use super::{FAST, IDLE_EXIT, PASSWORD, SHARED_IDLE_SECONDS, Server, USER, Unavailable, await_ready};

/// Where the server keeps its data: not the official image's place, which has moved with version 18.
const DATA: &str = "/whimbrel-data";

/// How long a server in a container may take to answer.
pub(super) const START: Duration = Duration::from_secs(60);

/// How long a container may take to start or to get out of the way.
const CREATE: Duration = Duration::from_secs(30);

/// A request for a server of `image` that stops after `idle` seconds alone; it is found again by `name`.
///
/// A found container is taken as it is. What is asked for here never ends with the value that stands for it, so no test
/// can end another's server, and dropping one needs no runtime.
pub(super) fn request(image: &str, name: &str, idle: u32, settings: &[&str]) -> ContainerRequest<GenericImage> {
    // After the last colon, unless that is a registry's port.
    let (repository, tag) = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).unwrap_or((image, "latest"));
    let mut command = vec!["-c".to_owned(), IDLE_EXIT.to_owned(), "idle_exit".to_owned()];
    command.extend([idle.to_string(), "5432".to_owned(), "docker-entrypoint.sh".to_owned(), "postgres".to_owned()]);
    command.extend(settings.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]));
    GenericImage::new(repository, tag)
        .with_entrypoint("sh")
        .with_exposed_port(5432.tcp())
        .with_container_name(name)
        .with_env_var("POSTGRES_USER", USER)
        .with_env_var("POSTGRES_PASSWORD", PASSWORD)
        .with_env_var("PGDATA", DATA)
        .with_cmd(command)
        .with_reuse(ReuseDirective::Always)
}

/// The server that all test processes share: found by its name, or started.
///
/// The name makes the start atomic. The loser of a race, and who comes while the last server is on its way out, is
/// refused and tries again.
pub(super) async fn shared(image: &str) -> Result<Server, Unavailable> {
    let deadline = Instant::now() + CREATE;
    loop {
        let error = match try_shared(image).await {
            Ok(server) => return Ok(server),
            Err(error) => error,
        };
        if Instant::now() > deadline || is_final(&error) {
            return Err(with_remedy(image, error));
        }
        sleep(Duration::from_millis(150)).await;
    }
}

async fn try_shared(image: &str) -> Result<Server, Unavailable> {
    let container = request(image, &super::shared_container(image), SHARED_IDLE_SECONDS, FAST)
        .with_mount(Mount::tmpfs_mount(DATA))
        .with_host_config_modifier(|host| host.auto_remove = Some(true))
        .start()
        .await?;
    let server = Server::started(&host(&container).await?, container.get_host_port_ipv4(5432).await?);
    // A found server may be starting or stopping: a container that is gone is looked for again.
    let deadline = Instant::now() + START;
    loop {
        match await_ready(&server, Duration::from_millis(500)).await {
            Ok(server) => return Ok(server),
            Err(error) if Instant::now() > deadline || !container.is_running().await.unwrap_or(false) => {
                return Err(error);
            }
            Err(_) => {}
        }
    }
}

/// The engine's address. `localhost` may mean IPv6 first, where the port is another server's.
pub(super) async fn host(container: &ContainerAsync<GenericImage>) -> Result<String, Unavailable> {
    let host = container.get_host().await?.to_string();
    Ok(if host == "localhost" { "127.0.0.1".to_owned() } else { host })
}

/// Whether trying again is of no use: there is no such image, or no engine.
pub(super) fn is_final(error: &Unavailable) -> bool {
    ["pull", "No such image", "client error (Connect)", "docker host"].iter().any(|sign| error.0.contains(sign))
}

pub(super) fn with_remedy(image: &str, error: Unavailable) -> Unavailable {
    Unavailable(format!("{error}\n  image: {image}\n  hint: run `cargo xtask test`, which arranges the image"))
}
