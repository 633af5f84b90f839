#   docker build .                             the gateway and its worker (target `gateway`, the last one)
#   docker build --target operations .         the same with what backups need, for MariaDB
#   docker build --target operations-mysql .   the same, for MySQL 8.4, whose own programs must read its dumps and logs

# Bookworm, as the machine that the tests run on, with the Node that package.json asks for.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY client/package.json ./client/
COPY web/package.json ./web/
# The compiler itself is an optional package of its platform.
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY client/tsconfig.json ./client/
COPY client/src ./client/src
COPY web ./web
COPY src ./src
COPY migrations ./migrations
RUN npm run build

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The optional packages are copies of Node for machines with an older one.
RUN npm ci --omit=dev --omit=optional

FROM node:24.21.0-bookworm-slim AS base
WORKDIR /app
ENV NODE_ENV=production \
    PATH=/app/bin:$PATH
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
COPY client/persisted-documents.json ./client/
COPY bin ./bin
# A volume that is mounted there belongs to who writes the log.
RUN ln -s billing.mjs bin/billing && install -d -o node -g node -m 700 /var/log/billing

FROM base AS operations
RUN apt-get update \
 && apt-get install -y --no-install-recommends mariadb-client restic ca-certificates openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o node -g node -m 700 /var/lib/billing
USER node
ENTRYPOINT ["billing"]
CMD ["backup"]

# Oracle names no versions of this image but 9: who builds it again next year gets another. Its digest would tell.
FROM oraclelinux:9-slim AS operations-mysql
COPY ops/docker/mysql-8.4.repo /etc/yum.repos.d/mysql-8.4.repo
# mysql-community-client holds mysql, mysqldump and mysqlbinlog; the image mysql:8.4 has no mysqlbinlog.
RUN microdnf install -y mysql-community-client libstdc++ openssh-clients ca-certificates \
 && microdnf clean all \
 && groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node \
 && install -d -o node -g node -m 700 /var/lib/billing
WORKDIR /app
ENV NODE_ENV=production \
    PATH=/app/bin:/usr/local/bin:/usr/bin:/bin
COPY --from=restic/restic:0.17.3 /usr/bin/restic /usr/local/bin/restic
COPY --from=base /usr/local/bin/node /usr/local/bin/node
COPY --from=base /app ./
USER node
ENTRYPOINT ["billing"]
CMD ["backup"]

FROM base AS gateway
USER node
EXPOSE 4000
# Where a worker shows how it is, which is what the check of either asks. A gateway does not listen there.
ENV BILLING_WORKER_PORT=4001
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["node", "bin/health.mjs"]
# Room for young objects from the beginning, MB: with 16 a list takes 1.8 times the CPU (docs/decisions/0044).
# What the start alone has filled of it is given back once, for which the gateway is lent V8's collector.
# And every object begins as a young one: in some processes V8 would make parts of answers among the old ones, and with them keep whole answers
# until a full collection, at 1.7 times the memory and 1.4 times the CPU time of a list.
CMD ["node", "--expose-gc", "--min-semi-space-size=32", "--no-allocation-site-pretenuring", "dist/src/main.js"]
