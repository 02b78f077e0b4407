//! The HTTP side: the default board, and whether the service is well.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use crate::database::Database;

/// The service's routes.
pub(crate) fn routes(database: Database) -> Router {
    Router::new().route("/board", get(board)).route("/healthz", get(healthz)).with_state(database)
}

async fn board(State(database): State<Database>) -> Response {
    match database.default_board().await {
        Ok(Some(board)) => answer(StatusCode::OK, &json!({"id": board.id, "name": board.name})),
        Ok(None) => answer(StatusCode::NOT_FOUND, &json!({"error": "there is no default board"})),
        Err(error) => {
            // What the database says is for whoever runs the service, not for its clients.
            eprintln!("cannot read the default board: {error}");
            answer(StatusCode::SERVICE_UNAVAILABLE, &json!({"error": "the database cannot be read"}))
        }
    }
}

async fn healthz(State(database): State<Database>) -> Response {
    match database.default_board().await {
        Ok(_) => answer(StatusCode::OK, &json!({"status": "ok"})),
        Err(error) => {
            eprintln!("unhealthy: {error}");
            answer(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "unhealthy"}))
        }
    }
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
