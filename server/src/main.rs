//! The program `opentrail`: the server, and the commands that speak to it.

fn main() -> std::process::ExitCode {
    opentrail::cli::run()
}
