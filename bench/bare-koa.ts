// A Koa that answers every request with one string: the limit of what a page on Koa can reach. Reads PORT.
import Koa from "koa";

const app = new Koa();
app.use((ctx) => {
  ctx.body = "Hello, World!";
});
app.listen(Number(process.env.PORT));
