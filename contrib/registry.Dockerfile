# The registry as an image, from a checkout in which `npm ci` has run:
#   tug build -t tug-registry -f contrib/registry.Dockerfile .
# docs/registry.md, "In a container", says how it is run.
ARG NODE_IMAGE=node:26.10.0-slim
FROM ${NODE_IMAGE}
COPY . /opt/tug/
RUN mkdir -p /etc/tug /var/lib/registry \
  && ln -s /opt/tug/contrib/registry.yml /etc/tug/registry.yml \
  && ln -s /opt/tug/bin/tug-registry /usr/local/bin/tug-registry
VOLUME /var/lib/registry
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=15s --start-period=30s --start-interval=2s \
  CMD ["tug-registry", "healthcheck", "--config", "/etc/tug/registry.yml"]
ENTRYPOINT ["tug-registry"]
CMD ["serve", "--config", "/etc/tug/registry.yml"]
