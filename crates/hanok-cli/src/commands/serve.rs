//! `hanok serve`.

use hanok_serve::{Limits, ServeOptions, Server, shutdown_signal};

use crate::args::ServeArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::render::counted;
use crate::serving::{Serving, follow};
use crate::status::ExitStatus;

/// Serves online features and predictive models until Ctrl-C or SIGTERM, then finishes the requests in flight.
pub(crate) async fn serve(context: &Context, args: &ServeArgs) -> Result<ExitStatus, CliError> {
    let engine = context.engine().await?;
    let serving = Serving::open(&engine).await?;
    let models = serving.with_models(&engine).await?;
    let Serving { reader, sets, registry } = serving;
    let server = Server::bind(options(args), reader, sets.clone())?;
    let address = server.local_addr();
    let (views, services) = (registry.views.len(), registry.services.len());
    let report = serde_json::json!({
        "address": format!("http://{address}"), "feature_views": views, "feature_services": services,
        "models": models.names(),
    });
    context.console.report(&report, || {
        let views = counted(views as u64, "feature view");
        let services = counted(services as u64, "feature service");
        let models = counted(models.names() as u64, "predictive model");
        format!("serving {views}, {services} and {models} at http://{address}\nstop with Ctrl-C\n")
    })?;
    tokio::select! {
        served = server.run(shutdown_signal()) => served?,
        () = follow(engine, sets, registry, models) => {}
    }
    Ok(ExitStatus::Success)
}

fn options(args: &ServeArgs) -> ServeOptions {
    let defaults = ServeOptions::default();
    let limits = Limits {
        entities_max: args.entities_max.unwrap_or(defaults.limits.entities_max),
        features_max: args.features_max.unwrap_or(defaults.limits.features_max),
        body_bytes_max: args
            .body_kb_max
            .map_or(defaults.limits.body_bytes_max, |kib| kib.saturating_mul(1024)),
        ..defaults.limits
    };
    ServeOptions {
        http: args.http,
        workers: args.workers.unwrap_or(defaults.workers),
        connections_max: args.connections_max.unwrap_or(defaults.connections_max),
        limits,
        ..defaults
    }
}
