package plan

// phpBuiltin are the extensions that the official image has.
var phpBuiltin = []string{
	"core", "ctype", "curl", "date", "dom", "fileinfo", "filter", "hash", "iconv", "json", "libxml", "mbstring", "mysqlnd", "opcache", "openssl",
	"pcre", "pdo", "pdo_sqlite", "phar", "posix", "random", "readline", "reflection", "session", "simplexml", "sodium", "spl", "sqlite3", "standard",
	"tokenizer", "xml", "xmlreader", "xmlwriter", "zend-opcache", "zlib",
}

// phpExtensions are those that docker-php-ext-install compiles, with the packages of Debian that they need for it.
var phpExtensions = map[string][]string{
	"bcmath": nil, "calendar": nil, "exif": nil, "ftp": {"libssl-dev"}, "gettext": nil, "mysqli": nil, "pcntl": nil, "pdo_mysql": nil, "shmop": nil, "sockets": nil,
	"sysvmsg": nil, "sysvsem": nil, "sysvshm": nil,
	"bz2":       {"libbz2-dev"},
	"ffi":       {"libffi-dev"},
	"gd":        {"libfreetype-dev", "libjpeg62-turbo-dev", "libpng-dev", "libwebp-dev"},
	"gmp":       {"libgmp-dev"},
	"intl":      {"libicu-dev"},
	"ldap":      {"libldap-dev"},
	"pdo_pgsql": {"libpq-dev"},
	"pgsql":     {"libpq-dev"},
	"soap":      {"libxml2-dev"},
	"tidy":      {"libtidy-dev"},
	"xsl":       {"libxslt1-dev"},
	"zip":       {"libzip-dev"},
}

// phpPECL are those that come from PECL and need no library.
var phpPECL = []string{"apcu", "redis"}

// apache writes Apache's configuration: one site, on $PORT. Apache itself puts the variable in when it starts.
func (d *script) apache(root string) {
	dir := "/app"
	if root != "." {
		dir += "/" + root
	}
	d.comment("Requests come through a router, which says what scheme the browser used. Files whose names begin with a dot are nobody's to see.")
	config := []string{
		"ServerName localhost",
		"<VirtualHost *:${PORT}>",
		"DocumentRoot " + dir,
		"SetEnvIf X-Forwarded-Proto https HTTPS=on",
		"ErrorLog /proc/self/fd/2",
		"</VirtualHost>",
		"<Directory " + dir + ">",
		"Options -Indexes +FollowSymLinks",
		"AllowOverride All",
		"Require all granted",
		"</Directory>",
		`<LocationMatch "/\.(?!well-known/)">`,
		"Require all denied",
		"</LocationMatch>",
	}
	site := "printf '%s\\n'"
	for _, line := range config {
		site += " '" + line + "'"
	}
	d.run("a2enmod rewrite headers", "echo 'Listen ${PORT}' > /etc/apache2/ports.conf", site+" > /etc/apache2/sites-available/000-default.conf")
}
