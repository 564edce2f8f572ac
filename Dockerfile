# One image for gateway and worker: the compose file says which of the two a container runs.
FROM node:24-bookworm-slim AS packages
WORKDIR /tollgate
COPY package.json package-lock.json ./
# No install scripts: the native part of the Temporal SDK comes as a prebuilt library.
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-bookworm-slim AS web
WORKDIR /tollgate
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY bin bin
COPY credits credits
COPY react react
COPY web web
RUN node bin/build-web.ts

FROM node:24-bookworm-slim
# The Temporal SDK speaks TLS by the system's certificates.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /tollgate
ENV NODE_ENV=production
COPY --from=packages /tollgate/node_modules node_modules
COPY . .
COPY --from=web /tollgate/web/dist web/dist
# What a gateway has settled and the journal has not yet lies here: give it a volume of its own.
RUN mkdir /data && chown node:node /data
ENV DATA_DIR=/data
VOLUME /data
USER node
CMD ["node", "bin/gateway.ts"]
