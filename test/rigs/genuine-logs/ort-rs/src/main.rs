//! A session with the CUDA provider asked for, through the crate `ort`, with its log.
use ort::{execution_providers::CUDAExecutionProvider, session::Session};

fn main() {
    let level = tracing_subscriber::filter::LevelFilter::INFO;
    tracing_subscriber::fmt().with_max_level(level).with_ansi(false).init();
    let model = std::env::args().nth(1).expect("a model");
    let cuda = [CUDAExecutionProvider::default().build()];
    let made = Session::builder().and_then(|builder| builder.with_execution_providers(cuda)).and_then(|builder| builder.commit_from_file(model));
    println!("{:?}", made.map(|_| "a session").map_err(|error| error.to_string()));
}
