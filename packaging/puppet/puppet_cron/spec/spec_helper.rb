# frozen_string_literal: true

require 'rspec-puppet'
require 'yaml'

RSpec.configure do |c|
  c.module_path = File.expand_path('../..', __dir__)
  c.setup_fixtures = false # this folder has the name of the module already
  c.strict_variables = true
  c.default_facts = { 'kernel' => 'Linux', 'os' => { 'family' => 'Debian', 'name' => 'Debian' } }
end

# What is in a configuration file of a catalog.
def settings(catalogue, path)
  content = catalogue.resource('file', path)[:content]
  content = content.unwrap if content.respond_to?(:unwrap)
  YAML.safe_load(content) || {}
end
