//! Plain serenity: one command, compared as a text. The server's address is the first argument.

use serenity::all::{
    ClientBuilder, Context, EventHandler, GatewayIntents, HttpBuilder, Message, async_trait,
};

struct Handler;

#[async_trait]
impl EventHandler for Handler {
    async fn message(&self, context: Context, message: Message) {
        if message.content == "!ping" {
            let _failed = message.reply(&context.http, "Pong!").await.is_err();
        }
    }
}

#[tokio::main]
async fn main() {
    let server = std::env::args().nth(1).expect("the server's address");
    // serenity's rate limiter does not know the proxy, so the two exclude each other.
    let http = HttpBuilder::new("token").proxy(server).ratelimiter_disabled(true);
    let intents = GatewayIntents::GUILDS
        | GatewayIntents::GUILD_MESSAGES
        | GatewayIntents::MESSAGE_CONTENT;
    let client = ClientBuilder::new_with_http(http.build(), intents).event_handler(Handler);
    client.await.expect("a client").start().await.expect("a connection");
}
