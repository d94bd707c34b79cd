// A stand-in for DynamoDB that answers from memory, so that the benchmark measures the servers and not a database.
// Usage: node standin.js PORT LATENCY_MS     (port 0 takes a free one; the port is printed)
//
// Owns the wire format of the few operations the servers use, DynamoDB's limits on batches, and the latency: a timer,
// so that requests wait side by side. `POST /latency/3` changes it while running, `POST /keys` tells how many keys were
// read and written. Knows one key: `username` (S).
"use strict";
const http = require("node:http");

const READ_LIMIT = 100;
const WRITE_LIMIT = 25;
const items = new Map(); // "table/username" -> the item, as JSON text ready to be sent
let latency = Number(process.argv[3] || 0);
let served = 0;
let keys = 0; // what DynamoDB would bill: one for each key of each call

class Refusal extends Error {}

const keyOf = (table, item) => `${table}/${item.username.S}`;

// Refuses what DynamoDB refuses, so that a server cannot look fast with batches that would fail.
function checkBatch(wanted, limit) {
  if (wanted.length < 1 || wanted.length > limit) throw new Refusal(`Too many items requested: ${wanted.length}`);
  if (new Set(wanted).size < wanted.length) throw new Refusal("Provided list of item keys contains duplicates");
  return wanted.length;
}

function readTable(table, wanted) {
  const found = wanted.Keys.map((key) => items.get(keyOf(table, key))).filter(Boolean);
  return `${JSON.stringify(table)}:[${found.join()}]`;
}

function describe(table) {
  return JSON.stringify({
    TableName: table,
    TableStatus: "ACTIVE",
    KeySchema: [{ AttributeName: "username", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "username", AttributeType: "S" }],
  });
}

const operations = {
  GetItem({ TableName, Key }) {
    keys += 1;
    const item = items.get(keyOf(TableName, Key));
    return item === undefined ? "{}" : `{"Item":${item}}`;
  },
  PutItem({ TableName, Item }) {
    keys += 1;
    items.set(keyOf(TableName, Item), JSON.stringify(Item));
    return "{}";
  },
  BatchGetItem({ RequestItems }) {
    const tables = Object.entries(RequestItems);
    keys += checkBatch(tables.flatMap(([table, { Keys }]) => Keys.map((key) => keyOf(table, key))), READ_LIMIT);
    return `{"Responses":{${tables.map(([table, wanted]) => readTable(table, wanted)).join()}},"UnprocessedKeys":{}}`;
  },
  BatchWriteItem({ RequestItems }) {
    const writes = Object.entries(RequestItems).flatMap(([table, all]) =>
      all.map(({ PutRequest, DeleteRequest }) => [keyOf(table, PutRequest?.Item ?? DeleteRequest.Key), PutRequest?.Item]),
    );
    keys += checkBatch(writes.map(([key]) => key), WRITE_LIMIT);
    for (const [key, item] of writes) {
      if (item === undefined) items.delete(key);
      else items.set(key, JSON.stringify(item));
    }
    return '{"UnprocessedItems":{}}';
  },
  DescribeTable: ({ TableName }) => `{"Table":${describe(TableName)}}`,
  CreateTable: ({ TableName }) => `{"TableDescription":${describe(TableName)}}`,
};

function answer(target, body) {
  try {
    return [200, operations[target.split(".")[1]](JSON.parse(body))];
  } catch (error) {
    const type = error instanceof Refusal ? "ValidationException" : "SerializationException";
    return [400, JSON.stringify({ __type: `com.amazon.coral.validate#${type}`, message: error.message })];
  }
}

function send(response, status, body) {
  response.writeHead(status, {
    "Content-Type": "application/x-amz-json-1.0",
    "Content-Length": Buffer.byteLength(body),
    "x-amzn-RequestId": `STANDIN${++served}`,
  });
  response.end(body);
}

function handle(request, response) {
  if (request.url.startsWith("/latency/")) {
    latency = Number(request.url.split("/")[2]);
    return send(response, 200, "{}");
  }
  if (request.url === "/keys") return send(response, 200, String(keys));
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const [status, body] = answer(request.headers["x-amz-target"] || "", Buffer.concat(chunks).toString());
    if (latency > 0) setTimeout(send, latency, response, status, body);
    else send(response, status, body);
  });
}

// Like DynamoDB, and unlike Node's default of 5 s, it does not close connections that rest for a while.
const server = http.createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, handle);
server.listen({ port: Number(process.argv[2] || 0), host: "127.0.0.1", backlog: 4096 }, () => {
  console.log(server.address().port);
});
