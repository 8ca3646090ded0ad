package fairlead.interop;

/** One thing that JMS clients do. What it throws fails it. */
@FunctionalInterface
interface Scenario {
  void run(Stage stage) throws Exception;
}
