# The Iceberg project's REST catalog with the driver of PostgreSQL, where it keeps its pointers.
FROM apache/iceberg-rest-fixture:1.10.1
ADD --checksum=sha256:157963d60ae66d607e09466e8c0cdf8087e9cb20d0159899ffca96bca2528460 --chmod=444 \
    https://repo1.maven.org/maven2/org/postgresql/postgresql/42.7.7/postgresql-42.7.7.jar /usr/lib/iceberg-rest/
CMD ["java", "-XX:MaxRAMPercentage=60", "-cp", "/usr/lib/iceberg-rest/*", "org.apache.iceberg.rest.RESTCatalogServer"]
