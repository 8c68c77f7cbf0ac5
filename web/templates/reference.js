window.SwaggerUIBundle({ url: {{ openapi_url|tojson }}, domNode: document.querySelector("#reference"), validatorUrl: null, deepLinking: false, docExpansion: "list" });
