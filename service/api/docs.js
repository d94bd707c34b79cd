SwaggerUIBundle({
  url: "/openapi.yaml",
  dom_id: "#swagger-ui",
  validatorUrl: null,
  tryItOutEnabled: true,
  syntaxHighlight: { theme: "obsidian" }, // the usual one has numbers of too little contrast
});
