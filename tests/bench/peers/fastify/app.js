// Hello Birthday as the documentations of fastify and the AWS SDK v3 teach: schemas, and one document client for life.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import Fastify from "fastify";

const TableName = "birthdays";
const DAY_MS = 24 * 60 * 60 * 1000;

const params = {
  type: "object",
  properties: { username: { type: "string", pattern: "^[A-Za-z]{1,256}$" } },
};
const user = {
  type: "object",
  required: ["dateOfBirth"],
  properties: { dateOfBirth: { type: "string", format: "date" } },
};
const greetingSchema = { type: "object", properties: { message: { type: "string" } } };

function daysUntilBirthday(born, today) {
  const [, month, day] = born.split("-").map(Number);
  const year = today.getUTCFullYear();
  const start = Date.UTC(year, today.getUTCMonth(), today.getUTCDate());
  let birthday = Date.UTC(year, month - 1, day);
  if (birthday < start) birthday = Date.UTC(year + 1, month - 1, day);
  return (birthday - start) / DAY_MS;
}

function greeting(username, born, today) {
  const days = daysUntilBirthday(born, today);
  return days === 0 ? `Hello, ${username}! Happy Birthday!` : `Hello, ${username}! Your birthday is in ${days} day(s)`;
}

const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const app = Fastify();

app.put("/hello/:username", { schema: { params, body: user } }, async (request, reply) => {
  const { dateOfBirth } = request.body;
  if (new Date(dateOfBirth) >= new Date().setUTCHours(0, 0, 0, 0)) return reply.code(400).send();
  await dynamodb.send(new PutCommand({ TableName, Item: { username: request.params.username, dateOfBirth } }));
  return reply.code(204).send();
});

app.get("/hello/:username", { schema: { params, response: { 200: greetingSchema } } }, async (request, reply) => {
  const { username } = request.params;
  const { Item } = await dynamodb.send(new GetCommand({ TableName, Key: { username }, ConsistentRead: true }));
  if (Item === undefined) return reply.code(404).send();
  return { message: greeting(username, Item.dateOfBirth, new Date()) };
});

await app.listen({ host: "127.0.0.1", port: Number(process.argv[2]) });
