// A Koa server that answers every request with one string, as an upper limit for pages on Koa. Reads PORT.
import Koa from "koa";

const app = new Koa();
app.use((ctx) => {
  ctx.body = "Hello, World!";
});
app.listen(Number(process.env.PORT));
