SwaggerUIBundle({ url: "/openapi.yaml", dom_id: "#swagger-ui", validatorUrl: null, tryItOutEnabled: true, syntaxHighlight: { theme: "obsidian" } });
