package plan

import (
	"strings"

	"paas"
)

// java builds with Maven or Gradle, by the repository's wrapper if it has one, and runs on a JRE.
func java() language { return language{name: "java", detect: detectJava, plan: planJava} }

func detectJava(t tree, _ Settings) (string, error) {
	return t.first("pom.xml", "build.gradle", "build.gradle.kts")
}

// javaTool is how a project is built.
type javaTool struct {
	language string // of the setting of the base image
	image    string // official, without the wrapper
	command  string
	output   string // folder of a project that its jars are in
	cache    cache
}

// javaBuild finds the tool, and the wrapper before the image of the tool: a wrapper needs a JDK only.
func javaBuild(l *look, file, v string) javaTool {
	if file == "pom.xml" {
		tool := javaTool{
			language: "maven", image: "maven:3-eclipse-temurin-" + v, command: "mvn", output: "target", cache: cache{name: "maven", dir: "/root/.m2", locked: true},
		}
		if l.has("mvnw") && l.has(".mvn/wrapper/maven-wrapper.properties") {
			tool.language, tool.image, tool.command = "java", "eclipse-temurin:"+v, "sh ./mvnw"
		}
		tool.command += " --batch-mode --no-transfer-progress -DskipTests package"
		return tool
	}
	tool := javaTool{
		language: "gradle", image: "gradle:jdk" + v, command: "gradle", output: "build/libs", cache: cache{name: "gradle", dir: "/root/.gradle", locked: true},
	}
	if l.has("gradlew") && l.has("gradle/wrapper/gradle-wrapper.properties") {
		tool.language, tool.image, tool.command = "java", "eclipse-temurin:"+v, "sh ./gradlew"
	}
	tool.command += " --no-daemon --console=plain build -x test"
	return tool
}

func planJava(t tree, s Settings) (Plan, error) {
	l := &look{tree: t}
	file, err := detectJava(t, s)
	if err != nil {
		return Plan{}, err
	}
	project, err := readJavaProject(l, file)
	if err != nil || l.err != nil {
		return Plan{}, first(l.err, err)
	}
	p := Plan{Ignore: []string{".git", ".gradle"}}
	p.noteVersion("Java", project.version, project.from, "system.properties (java.runtime.version=21)")
	tool := javaBuild(l, file, project.version)
	p.Ignore = append(p.Ignore, strings.Split(tool.output, "/")[0])
	b := s.base(&p, tool.language, tool.image, "")
	run := s.base(&Plan{}, "java", "", "eclipse-temurin:"+project.version+"-jre")
	if run.own && tool.language != "java" {
		p.note("Base image: %s, as this platform is set", run.run)
	}
	d := newScript(s)
	d.stage(b.build, "build")
	d.args()
	if tool.output != "target" {
		d.env("GRADLE_USER_HOME", tool.cache.dir)
	}
	d.workdir("/app")
	d.copy("./", ".")
	d.install([]cache{tool.cache}, tool.command)
	if !s.Procfile {
		d.comment("The one jar that can be run: it names its main class.")
		d.run(findJar(tool.output))
	}
	d.last(run.run)
	var argv []string
	if s.Procfile {
		d.give("build", "/app", "/app")
	} else {
		d.give("build", "/out/app.jar", "/app/app.jar")
		argv = shell("java" + project.port() + " -jar app.jar")
	}
	d.end(argv, "JAVA_TOOL_OPTIONS", "-XX:MaxRAMPercentage=75")
	p.Text, err = d.text()
	return p, first(l.err, err)
}

// findJar is the command that puts the one jar with a main class to /out/app.jar. The names of jars come from the build, so only
// the shell knows them.
func findJar(output string) string {
	return `set -e; mkdir -p /out /tmp/jar; found=0; find . -path "*/` + output + `/*.jar" ! -name "*-sources.jar" ! -name "*-javadoc.jar" ! -name "*-plain.jar" ! -name "original-*.jar" > /tmp/jars; ` +
		`while read -r jar; do rm -rf /tmp/jar/*; file="$PWD/$jar"; (cd /tmp/jar; jar xf "$file" META-INF/MANIFEST.MF); ` +
		`if grep -q "^Main-Class:" /tmp/jar/META-INF/MANIFEST.MF; then cp "$jar" /out/app.jar; found=$((found+1)); fi; done < /tmp/jars; ` +
		`if [ $found != 1 ]; then echo "there are $found jars with a main class, not one: add a Procfile with a line such as web: java -jar ` + output + `/NAME.jar" >&2; cat /tmp/jars >&2; exit 1; fi`
}

// javaProject is what decides besides the tool.
type javaProject struct {
	version, from string
	spring        bool
}

// port is how the program is told its port, where it does not look at $PORT of its own accord.
func (p javaProject) port() string {
	if p.spring {
		return " -Dserver.port=$PORT"
	}
	return ""
}

// defaultJava is the version where nothing is said; javaReleases are those with long support, in ascending order.
const defaultJava = "21"

var javaReleases = []string{"8", "11", "17", "21", "25"}

func readJavaProject(l *look, file string) (javaProject, error) {
	p := javaProject{version: defaultJava}
	level, from := "", ""
	if file == "pom.xml" {
		pom, err := readPOM(l.text("pom.xml"))
		if err != nil {
			return p, first(l.err, err)
		}
		p.spring = pom.uses("org.springframework.boot")
		level, from = pom.level()
	} else {
		text := string(l.text(file))
		p.spring = strings.Contains(text, "org.springframework.boot")
		level, from = gradleLevel(text), file
	}
	if l.has("system.properties") {
		if v := property(string(l.text("system.properties")), "java.runtime.version"); v != "" {
			v = strings.TrimPrefix(v, "openjdk-")
			v = strings.TrimPrefix(v, "1.")
			major, _, _ := strings.Cut(v, ".")
			major, err := version("system.properties", major)
			p.version, p.from = major, "system.properties"
			return p, err
		}
	}
	if level == "" {
		return p, nil
	}
	level, err := version(from, strings.TrimPrefix(level, "1."))
	p.version, p.from = runsJava(level), from+" "+level
	return p, err
}

// runsJava is the oldest release with long support that compiles for a level; the level itself above all of them.
func runsJava(level string) string {
	want, _ := parseVersion(level)
	for _, r := range javaReleases {
		if have, _ := parseVersion(r); !have.under(want) {
			return r
		}
	}
	return level
}

// property is the value of a key in a file of Java properties; "" where it is not there.
func property(text, key string) string {
	for line := range strings.Lines(text) {
		k, v, ok := strings.Cut(line, "=")
		if ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// badPOM is the error for a pom.xml that is not one.
func badPOM(err error) error {
	return paas.Errorf(paas.Invalid, "pom.xml cannot be read: %s", err).WithHint("correct the file, commit and push again")
}
