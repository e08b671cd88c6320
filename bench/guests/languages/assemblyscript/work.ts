// Reads as many keys as the query parameter n says, or marks the order in the request's body as paid.

import { JSON } from "json-as";
import { Context, KV, onFetch, Request, Response } from "../../../../guest-sdk/assemblyscript/assembly";

@json
class Customer {
  name!: string;
  email!: string;
  address!: string[];
  verified!: bool;
}

@json
class Item {
  sku!: string;
  name!: string;
  quantity!: i64;
  price_cents!: i64;
  tags!: string[];
}

@json
class Order {
  id!: i64;
  customer!: Customer;
  items!: Item[];
  note!: string;
  status!: string;
  total_cents!: i64;
}

const bench = new KV("BENCH");

onFetch((req: Request, ctx: Context): Response => (req.path == "/kv" ? read(req) : pay(req)));

function read(req: Request): Response {
  const n = req.query("n");
  const gets = n === null ? 0 : i32(parseInt(n));
  let bytes = 0;
  for (let i = 0; i < gets; i++) {
    const value = bench.get("key-" + ((i * 7) % 1000).toString().padStart(3, "0"));
    if (value.failed) return Response.text(value.error.message, 500);
    bytes += value.value!.length;
  }
  return Response.text(bytes.toString());
}

function pay(req: Request): Response {
  const order = JSON.parse<Order>(req.text().value);
  let sum: i64 = 0;
  for (let i = 0; i < order.items.length; i++) sum += order.items[i].quantity * order.items[i].price_cents;
  if (sum != order.total_cents) return Response.text("the sum is wrong", 400);
  order.status = "paid";
  return Response.json(JSON.stringify<Order>(order));
}

export { pagesrun_handle } from "../../../../guest-sdk/assemblyscript/assembly";
